package feed

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
)

// say writes an indicator as "kind match value", with its other terms behind &.
func say(in *indicator.Indicator) string {
	match := []string{"", "cidr ", "under ", "prefix ", "part ", "like ", "re "}
	role := []string{"", " from", " to"}
	var parts []string
	for _, t := range append([]indicator.Term{in.Term}, in.And...) {
		parts = append(parts, t.Kind.String()+" "+match[t.Match]+t.Value+role[t.Role])
	}
	return strings.Join(parts, " & ")
}

// readText reads one file of that name and content.
func readText(t testing.TB, name, text string, opt Options) ([]string, Report) {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	report, err := Read([]string{p}, opt, func(in *indicator.Indicator) error {
		got = append(got, say(in))
		return nil
	})
	if err != nil && len(report.Failed) == 0 {
		t.Fatal(err)
	}
	if report.Read != report.Loaded+report.Skipped+report.FailedCount && err == nil {
		t.Errorf("read %d, but loaded %d, skipped %d, failed %d", report.Read, report.Loaded, report.Skipped, report.FailedCount)
	}
	return got, report
}

func TestListLines(t *testing.T) {
	const md5 = "d41d8cd98f00b204e9800998ecf8427e"
	for _, c := range []struct{ line, want string }{
		{"192.0.2.1", "ipv4-addr 192.0.2.1"},
		{"192.0.2.1\t8", "ipv4-addr 192.0.2.1"},
		{"192.0.2.1 # a scanner", "ipv4-addr 192.0.2.1"},
		{"192.0.2.1,scanner,2026", "ipv4-addr 192.0.2.1"},
		{"192.0.2.1;scanner", "ipv4-addr 192.0.2.1"},
		{`"192.0.2.1"`, "ipv4-addr 192.0.2.1"},
		{"127.0.0.1,ourselves", "ipv4-addr 127.0.0.1"},
		{"127.0.0.1 # ourselves", "ipv4-addr 127.0.0.1"},
		{"127.0.0.1\t3", "ipv4-addr 127.0.0.1"},
		{"192[.]0[.]2[.]1", "ipv4-addr 192.0.2.1"},
		{"192.0.2.0/24", "ipv4-addr cidr 192.0.2.0/24"},
		{"192.0.2.7/32", "ipv4-addr 192.0.2.7"},
		{"2001:DB8:0::1", "ipv6-addr 2001:db8::1"},
		{"[2001:db8::1]", "ipv6-addr 2001:db8::1"},
		{"2001:db8::/32", "ipv6-addr cidr 2001:db8::/32"},
		{"::ffff:192.0.2.1", "ipv4-addr 192.0.2.1"},
		{"192.0.2.1:443", "ipv4-addr 192.0.2.1 to & network-traffic:dst_port 443"},
		{"Evil.Example.COM.", "domain-name evil.example.com"},
		{"evil[.]example[.]com", "domain-name evil.example.com"},
		{"evil.example.com:8080", "domain-name evil.example.com"},
		{"*.evil.example.com", "domain-name under evil.example.com"},
		{".evil.example.com", "domain-name under evil.example.com"},
		{"||evil.example.com^", "domain-name under evil.example.com"},
		{"||evil.example.com^$third-party", "domain-name under evil.example.com"},
		{"0.0.0.0 evil.example.com", "domain-name evil.example.com"},
		{"127.0.0.1 evil.example.com other.example.com # both", "domain-name evil.example.com, domain-name other.example.com"},
		{"::1 localhost", ""},
		{"@@||good.example.com^", ""},
		{"hxxp://evil.example.com/a,b;c", "url http://evil.example.com/a,b;c"},
		{"hxxps[:]//evil[.]example[.]com/a", "url https://evil.example.com/a"},
		{"http://evil.example.com/a*", "url prefix http://evil.example.com/a"},
		{"evil.example.com/gate.php", "url http://evil.example.com/gate.php"},
		{"Bad@Example.com", "email-addr bad@example.com"},
		{strings.ToUpper(md5), "file:hashes.MD5 " + md5},
		{md5 + " *invoice.exe", "file:hashes.MD5 " + md5},
		{strings.Repeat("a", 40), "file:hashes.'SHA-1' " + strings.Repeat("a", 40)},
		{strings.Repeat("a", 64), "file:hashes.'SHA-256' " + strings.Repeat("a", 64)},
		{strings.Repeat("a", 128), "file:hashes.'SHA-512' " + strings.Repeat("a", 128)},
		{`HKLM\Software\Evil Corp\x`, `windows-registry-key hkey_local_machine\software\evil corp\x`},
		{"bücher.example", "domain-name xn--bcher-kva.example"},
		{"# comment", ""}, {"; comment", ""}, {"// comment", ""}, {"! comment", ""}, {"[Adblock Plus 2.0]", ""}, {"   ", ""},
	} {
		got, report := readText(t, "list.txt", c.line+"\n", Options{})
		if strings.Join(got, ", ") != c.want || report.FailedCount > 0 {
			t.Errorf("%q: got %q, want %q; failed %v", c.line, got, c.want, report.Failed)
		}
	}
}

func TestListFailuresSayWhere(t *testing.T) {
	got, report := readText(t, "list.txt", "192.0.2.1\r\nnothing at all\n\n*evil.example.com\n||x^\n"+strings.Repeat("x", 2*maxLine)+"\n300.1.1.1\nevil.example.com", Options{})
	if d := cmp.Diff([]string{"ipv4-addr 192.0.2.1", "domain-name evil.example.com"}, got); d != "" {
		t.Error(d)
	}
	var lines []int64
	for _, f := range report.Failed {
		lines = append(lines, f.Line)
		if f.Reason == "" || f.Value == "" || len(f.Value) > 300 || !strings.HasSuffix(f.File, "list.txt") {
			t.Errorf("%+v", f)
		}
	}
	if d := cmp.Diff([]int64{2, 4, 5, 6, 7}, lines); d != "" {
		t.Error(d)
	}
	got, report = readText(t, "list.txt", "192.0.2.0/33\n192.0.2.0/99999\n2001:db8::/129\n[2001:db8::]/129\n192.0.2.0/x\n", Options{})
	if d := cmp.Diff([]string{"url http://192.0.2.0/x"}, got); d != "" || report.FailedCount != 4 || !strings.Contains(report.Failed[0].Reason, "prefix") {
		t.Errorf("%s %+v", d, report.Failed)
	}
	_, report = readText(t, "list.txt", "192.0.2.1\n"+strings.Repeat("junk\n", 50), Options{Failures: 3})
	if len(report.Failed) != 3 || report.FailedCount != 50 {
		t.Errorf("kept %d of %d", len(report.Failed), report.FailedCount)
	}
	_, report = readText(t, "prose.txt", strings.Repeat("no list\n", 5000), Options{})
	if report.FailedCount != hopeless+1 || report.Read != hopeless {
		t.Errorf("a file of prose: %d failures of %d", report.FailedCount, report.Read)
	}
}

func TestSubdomainsOption(t *testing.T) {
	got, _ := readText(t, "list.txt", "evil.example.com\nhxxp://a.example/\n0.0.0.0 b.example.com\nBAD.example.org\n", Options{Subdomains: true})
	want := []string{"domain-name under evil.example.com", "url http://a.example/", "domain-name under b.example.com", "domain-name under bad.example.org"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestCSV(t *testing.T) {
	const sha1, sha256 = "da39a3ee5e6b4b0d3255bfef95601890afd80709", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, c := range []struct {
		name, file, text string
		want             []string
		failed           int64
	}{
		{"generic", "a.csv", "Indicator,Type,Confidence\n192.0.2.1,IPv4,80\nevil.example.com,domain,high\n\"http://x.example/a,b\",URL,\nx,CVE,\n", []string{"ipv4-addr 192.0.2.1", "domain-name evil.example.com", "url http://x.example/a,b"}, 1},
		{"by shape", "a.txt", "ioc;note\n192.0.2.1;x\n" + sha1 + ";y\njunk;z\n", []string{"ipv4-addr 192.0.2.1", "file:hashes.'SHA-1' " + sha1}, 1},
		{"ThreatFox", "threatfox.csv", "####\n# ThreatFox IOCs, url and ip #\n#\n# \"first_seen_utc\",\"ioc_id\",\"ioc_value\",\"ioc_type\",\"threat_type\",\"confidence_level\"\n\"2026-01-01 00:00:00\", \"7\", \"192.0.2.1:443\", \"ip:port\", \"botnet_cc\", \"75\"\n\"2026-01-01 00:00:00\", \"8\", \"" + sha256 + "\", \"sha256_hash\", \"payload\", \"100\"\n# Number of entries: 2\n", []string{"ipv4-addr 192.0.2.1 to & network-traffic:dst_port 443", "file:hashes.'SHA-256' " + sha256}, 0},
		{"URLhaus", "u.txt", "# id,dateadded,url,url_status,urlhaus_link\n\"1\",\"2026-01-01 00:00:00\",\"http://192.0.2.9/x\",\"online\",\"https://urlhaus.example/1\"\n", []string{"url http://192.0.2.9/x"}, 0},
		{"MalwareBazaar", "m.csv", "# \"first_seen_utc\",\"sha256_hash\",\"sha1_hash\",\"file_name\"\n\"2026-01-01\", \"" + sha256 + "\", \"" + sha1 + "\", \"svchost.exe\"\n", []string{"file:hashes.'SHA-256' " + sha256, "file:hashes.'SHA-1' " + sha1}, 0},
		{"certificates of SSLBL", "s.csv", "# Listingdate,SHA1,Listingreason\n2026-01-01 00:00:00," + sha1 + ",Dridex C&C\n", []string{"x509-certificate:hashes.'SHA-1' " + sha1}, 0},
		{"JA3", "j.csv", "# ja3_md5,Firstseen,Lastseen,Listingreason\nb386946a5a44d1ddcc843bc75336dfce,a,b,c\n", []string{"ja3 b386946a5a44d1ddcc843bc75336dfce"}, 0},
		{"Zeek intelligence", "i.intel", "#fields\tindicator\tindicator_type\tmeta.source\n192.0.2.1\tIntel::ADDR\tx\n192.0.2.0/24\tIntel::SUBNET\tx\nevil.example.com\tIntel::DOMAIN\tx\n", []string{"ipv4-addr 192.0.2.1", "ipv4-addr cidr 192.0.2.0/24", "domain-name evil.example.com"}, 0},
		{"quoted over lines", "a.csv", "ip,description\n192.0.2.1,\"two\nlines, \"\"quoted\"\"\"\n192.0.2.2,x\n", []string{"ipv4-addr 192.0.2.1", "ipv4-addr 192.0.2.2"}, 0},
		{"no header", "a.csv", "2026-01-01,192.0.2.1,x\n2026-01-01,evil.example.com,x\n", []string{"ipv4-addr 192.0.2.1", "domain-name evil.example.com"}, 0},
		{"one column", "a.csv", "domain\nevil.example.com\n", []string{"domain-name evil.example.com"}, 0},
		{"wrong type", "a.csv", "indicator,type\nevil.example.com,md5\n,md5\n", nil, 2},
		{"composite", "a.csv", "value,type\na.exe|" + sha1 + ",filename|sha1\nevil.example.com|192.0.2.1,domain|ip\n", []string{"file:hashes.'SHA-1' " + sha1, "domain-name evil.example.com", "ipv4-addr 192.0.2.1"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, report := readText(t, c.file, c.text, Options{})
			if d := cmp.Diff(c.want, got); d != "" || report.FailedCount != c.failed {
				t.Errorf("%s; failed %+v", d, report.Failed)
			}
			if report.Files[0].Format != "CSV" {
				t.Errorf("read as %s", report.Files[0].Format)
			}
		})
	}
}

func TestCSVQuotes(t *testing.T) {
	many := "192.0.2.9,\"x\n" + strings.Repeat("192.0.2.7,x\n", maxLine/8)
	for _, c := range []struct {
		name, rows string
		want       []string // last parts of addresses in 192.0.2.0/24
		failed     []int64  // lines
	}{
		{"inside a field", "192.0.2.1,a 5\" disk\n192.0.2.2,x\n192.0.2.3,x\n192.0.2.4,x", []string{"1", "2", "3", "4"}, nil},
		{"never closed", "192.0.2.1,x\n192.0.2.2,\"a\n192.0.2.3,x\n\n# why\n192.0.2.4,x", []string{"1", "3", "4"}, []int64{3}},
		{"closed by the next row's", "192.0.2.1,\"a 5\n192.0.2.2,\"b\"\n192.0.2.3,x", []string{"2", "3"}, []int64{2}},
		{"two that are never closed", "192.0.2.1,\"a\n192.0.2.2,b\"c,\"d\n192.0.2.3,x", []string{"3"}, []int64{2, 3}},
		{"comments", "; it's 5\"\n// \"\n# \"\n192.0.2.1,x\n! \"\n192.0.2.2,x", []string{"1", "2"}, nil},
		{"comment inside quotes", "192.0.2.1,\"a\n# b\n\"\n192.0.2.2,x", []string{"1", "2"}, nil},
		{"beyond the limit", many + "192.0.2.1,\"y\n", nil, nil},
	} {
		got, report := readText(t, "a.csv", "ip,comment\n"+c.rows, Options{})
		if c.name == "beyond the limit" {
			if len(got) != maxLine/8 || report.FailedCount != 2 || report.Failed[0].Line != 2 || report.Failed[1].Line != maxLine/8+3 {
				t.Errorf("%s: %d rows, %+v", c.name, len(got), report)
			}
			continue
		}
		for i := range c.want {
			c.want[i] = "ipv4-addr 192.0.2." + c.want[i]
		}
		var failed []int64
		for _, f := range report.Failed {
			failed = append(failed, f.Line)
		}
		if d := cmp.Diff(c.want, got) + cmp.Diff(c.failed, failed); d != "" {
			t.Errorf("%s: %s %+v", c.name, d, report.Failed)
		}
	}
}

func TestCSVUnknownTypeIsNamed(t *testing.T) {
	_, report := readText(t, "a.csv", "value,type\n192.0.2.1,ip\nCVE-2026-1,CVE\n", Options{})
	if report.Skipped != 0 || report.FailedCount != 1 || report.Failed[0].Line != 3 || !strings.Contains(report.Failed[0].Reason, `"CVE"`) {
		t.Errorf("%+v", report)
	}
}

func TestCSVProperties(t *testing.T) {
	p := filepath.Join(t.TempDir(), "feed.csv")
	text := "indicator,type,confidence,tlp,description,valid_from,valid_until,uuid\n" +
		"192.0.2.1,ip,85,TLP:AMBER+STRICT,a scanner,2026-01-01,2026-02-01 12:00:00,u-1\n" +
		"192.0.2.2,ip,low,white,,,,\n" +
		"192.0.2.3,ip,150,,,,,\n" +
		"192.0.2.4,ip,,,,soon,,\n"
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []indicator.Indicator
	report, err := Read([]string{p}, Options{}, func(in *indicator.Indicator) error { got = append(got, *in); return nil })
	if err != nil {
		t.Fatal(err)
	}
	day := func(s string) time.Time { v, _ := time.Parse(time.DateTime, s); return v }
	want := []indicator.Indicator{
		{Term: indicator.Term{Kind: observable.IPv4, Value: "192.0.2.1"}, And: []indicator.Term{}, ID: "u-1", Source: "feed.csv", Confidence: 85, TLP: "amber+strict", Name: "a scanner", ValidFrom: day("2026-01-01 00:00:00"), ValidUntil: day("2026-02-01 12:00:00")},
		{Term: indicator.Term{Kind: observable.IPv4, Value: "192.0.2.2"}, And: []indicator.Term{}, Source: "feed.csv", Confidence: 15, TLP: "clear"},
	}
	if d := cmp.Diff(want, got); d != "" || report.FailedCount != 2 {
		t.Errorf("%s, %+v", d, report.Failed)
	}
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, body []byte) {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packed := func(pack func(io.Writer) io.WriteCloser, text string) []byte {
		var b bytes.Buffer
		w := pack(&b)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	gz := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	write("a.txt.gz", packed(gz, "192.0.2.1\n"))
	write("sub/b.txt.zst", packed(func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z }, "192.0.2.2\n"))
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	for name, text := range map[string]string{"in.txt": "192.0.2.3\n", "README.md": "no list", "x.txt.gz": string(packed(gz, "192.0.2.4\n"))} {
		m, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(m, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write("c.zip", zipped.Bytes())
	cut := packed(gz, strings.Repeat("192.0.2.5\n", 100000))
	write("d.txt.gz", cut[:len(cut)/2])
	write("bomb.txt.gz", bytes.Repeat(packed(gz, strings.Repeat(" ", 4<<20)), 80))
	write("README.md", []byte("no list"))
	write(".hidden", []byte("192.0.2.9"))
	write("binary.txt", []byte("\x7fELF\x00\x00"))
	write("e.txt", []byte("BZh91AY&SY"))
	write("wide.txt", []byte("\xff\xfe1\x00"))
	write("bom.txt", []byte("\xef\xbb\xbf192.0.2.6\n"))
	write("misp/manifest.json", []byte(`{"5a2e1f3c-0000-4000-8000-000000000001":{"info":"x"}}`))
	write("misp/hashes.csv", []byte("d41d8cd98f00b204e9800998ecf8427e,5a2e1f3c-0000-4000-8000-000000000001\n"))
	write("values.json", []byte(`["192.0.2.7", 5, "*.evil.example.com"]`))
	write("other.json", []byte(`{"hello":{"a":[1,{}]},"x":1}`))
	write("broken.json", []byte(`{"type":"bundle","objects":[{"type":"indicator"`))

	seen := map[string]bool{}
	report, err := Read([]string{dir, filepath.Join(dir, "missing.txt")}, Options{}, func(in *indicator.Indicator) error {
		seen[in.Value] = true
		return nil
	})
	want := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7", "evil.example.com"}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(seen))); d != "" {
		t.Error(d)
	}
	reasons := map[string]string{}
	for _, f := range report.Failed {
		reasons[filepath.Base(f.File)] += f.Reason
	}
	for file, reason := range map[string]string{
		"d.txt.gz": "damaged or cut", "bomb.txt.gz": "more than 500 times", "wide.txt": "UTF-16", "missing.txt": "check the name",
		"values.json": "no text", "broken.json": "unexpected EOF", "e.txt": "unpack it first",
	} {
		if !strings.Contains(reasons[file], reason) {
			t.Errorf("%s: %q does not say %q", file, reasons[file], reason)
		}
		if file != "values.json" && (err == nil || !strings.Contains(err.Error(), file)) {
			t.Errorf("the error does not name %s: %v", file, err)
		}
	}
	if len(reasons) != 7 {
		t.Errorf("failures %v", reasons)
	}
	var passed []string
	for _, p := range report.PassedOver {
		passed = append(passed, filepath.Base(p))
	}
	if d := cmp.Diff([]string{"README.md", "binary.txt", "c.zip!README.md", "hashes.csv", "other.json"}, slices.Sorted(slices.Values(passed))); d != "" {
		t.Errorf("passed over: %s", d)
	}
	for _, name := range []string{"binary.txt", "other.json"} {
		if _, err := Read([]string{filepath.Join(dir, name)}, Options{}, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s, which is named: %v", name, err)
		}
	}
}

func TestWarninglists(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.json": `{"name":"Resolvers","type":"cidr","list":["192.0.2.1","2001:db8::/32"],"matching_attributes":["ip-src","domain|ip"]}`,
		"b.json": `{"description":"d","version":3,"list":[".example.com"],"type":"hostname"}`,
		"c.json": `{"name":"Mails","list":["x"],"matching_attributes":["email-subject"]}`,
		"d.json": `{"name":"Odd","list":["x"],"type":"wildmask"}`,
		"e.txt":  "192.0.2.1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, report, err := ReadWarninglists([]string{dir}, Options{})
	want := []indicator.Warninglist{
		{Name: "Resolvers", Type: "cidr", Values: []string{"192.0.2.1", "2001:db8::/32"}, Kinds: observable.KindsOf(observable.IPv4, observable.IPv6, observable.Domain)},
		{Name: "b.json", Type: "hostname", Values: []string{".example.com"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if report.Loaded != 2 || report.Skipped != 1 || report.FailedCount != 1 || len(report.PassedOver) != 1 || err != nil {
		t.Errorf("%+v, %v", report, err)
	}
	if _, _, err := ReadWarninglists([]string{filepath.Join(dir, "e.txt")}, Options{}); err == nil || !strings.Contains(err.Error(), "e.txt") {
		t.Errorf("a list that is named as a warninglist: %v", err)
	}
	_, r := readText(t, "w.json", `{"name":"x","type":"string","list":["192.0.2.1"]}`, Options{})
	if r.Loaded != 0 || len(r.Failed) != 1 || !strings.Contains(r.Failed[0].Reason, "--warninglists") {
		t.Errorf("a warninglist as indicators: %+v", r)
	}
}

func TestRefusalOfAddIsAFailure(t *testing.T) {
	p := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(p, []byte("192.0.2.1\n192.0.2.2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	report, err := Read([]string{p}, Options{}, func(*indicator.Indicator) error {
		if n++; n == 1 {
			return errors.New("the set is full")
		}
		return nil
	})
	want := Report{Read: 2, Loaded: 1, FailedCount: 1, Failed: []Failure{{p, 1, "192.0.2.1", "the set is full"}}, SkippedWhy: map[string]int64{},
		Files: []File{{Name: p, Format: "list", Read: 2, Loaded: 1, Failed: 1}}}
	if d := cmp.Diff(want, report); d != "" || err != nil {
		t.Errorf("%v, %s", err, d)
	}
}

func BenchmarkList(b *testing.B) {
	var text bytes.Buffer
	const n = 300_000
	for i := range n {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&text, "%d.%d.%d.%d\t%d\n", i%200+1, i>>8%256, i%251, i%253, i%9)
		case 1:
			fmt.Fprintf(&text, "host-%d.example%d.com\n", i, i%77)
		case 2:
			fmt.Fprintf(&text, "%064x\n", i*7919)
		}
	}
	p := filepath.Join(b.TempDir(), "list.txt")
	if err := os.WriteFile(p, text.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		report, err := Read([]string{p}, Options{}, func(*indicator.Indicator) error { return nil })
		if err != nil || report.FailedCount > 0 {
			b.Fatal(err, report.Failed)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "lines/s")
}
