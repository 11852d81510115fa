package feed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/format/stix/pattern"
	"borj.dev/borj/internal/recorded"
	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
)

func TestStreamablePatterns(t *testing.T) {
	const md5, sha256 = "d41d8cd98f00b204e9800998ecf8427e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, c := range []struct {
		in   string
		want []string
		err  string
	}{
		{in: "[ipv4-addr:value = '192.0.2.1']", want: []string{"ipv4-addr 192.0.2.1"}},
		{in: "[ipv4-addr:value = '192.0.2.1/32']", want: []string{"ipv4-addr 192.0.2.1"}},
		{in: "[ipv4-addr:value = '192.0.2.0/24']", err: "no address equals the range"},
		{in: "[ipv4-addr:value ISSUBSET '192.0.2.0/24']", want: []string{"ipv4-addr cidr 192.0.2.0/24"}},
		{in: "[ipv4-addr:value = '2001:db8::1']", err: "is no ipv4-addr"},
		{in: "[ipv6-addr:value ISSUBSET '192.0.2.0/24']", err: "no range of ipv6-addr"},
		{in: "[ipv6-addr:value IN ('2001:DB8::1', '2001:db8:0::2')]", want: []string{"ipv6-addr 2001:db8::1", "ipv6-addr 2001:db8::2"}},
		{in: "[domain-name:value = 'Evil.Example.com']", want: []string{"domain-name evil.example.com"}},
		{in: "[domain-name:value = '*.example.com']", err: "no domain name"},
		{in: "[domain-name:value LIKE '%.Example.com']", want: []string{"domain-name like %.example.com"}},
		{in: "[domain-name:value LIKE '%%']", err: "holds for every value"},
		{in: `[domain-name:value MATCHES '^a[0-9]+\\.example$']`, want: []string{`domain-name re (?i)^a[0-9]+\.example$`}},
		{in: "[domain-name:value MATCHES '" + strings.Repeat("(a*)*", 10000) + "']", err: "32768 are the limit"},
		{in: "[domain-name:value MATCHES '(?=a)']", err: "regular expression"},
		{in: "[url:value = 'http://evil.example.com/a' OR url:value LIKE 'http://evil%']", want: []string{"url http://evil.example.com/a", "url like http://evil%"}},
		{in: "[url:value LIKE 'HTTP://EVIL.example/A%B']", want: []string{"url like http://evil.example/A%B"}},
		{in: "[url:value LIKE 'http://User:Pw@EVIL.example:80/%']", want: []string{"url like http://User:Pw@evil.example:80/%"}},
		{in: "[url:value LIKE 'HTTP%://Evil.example/%']", want: []string{"url like http%://Evil.example/%"}},
		{in: "[url:value LIKE 'http://EVIL%/Gate.php']", want: []string{"url like http://evil%/Gate.php"}},
		{in: "[email-addr:value = 'a@example.com']", want: []string{"email-addr a@example.com"}},
		{in: "[email-message:from_ref.value = 'a@example.com']", want: []string{"email-addr a@example.com"}},
		{in: "[email-message:subject = 'x']", err: "email-message:subject"},
		{in: "[file:hashes.MD5 = '" + md5 + "' OR file:hashes.'SHA-256' = '" + sha256 + "']", want: []string{"file:hashes.MD5 " + md5, "file:hashes.'SHA-256' " + sha256}},
		{in: "[file:hashes.sha256 = '" + strings.ToUpper(sha256) + "']", want: []string{"file:hashes.'SHA-256' " + sha256}},
		{in: "[file:hashes.'SHA256' = '" + sha256 + "' AND file:name = 'A.exe']", want: []string{"file:hashes.'SHA-256' " + sha256 + " & file:name a.exe"}},
		{in: `[file:name = 'C:\\a.exe']`, err: "is a path"},
		{in: "[file:size = 5]", err: "file:size"},
		{in: "[file:name = 'a.exe' AND file:size = 5]", err: "file:size"},
		{in: "[x509-certificate:hashes.'SHA-1' = '" + strings.Repeat("a", 40) + "']", want: []string{"x509-certificate:hashes.'SHA-1' " + strings.Repeat("a", 40)}},
		{in: "[x509-certificate:serial_number = '4c:0b:1d']", want: []string{"x509-certificate:serial_number 4c0b1d"}},
		{in: `[windows-registry-key:key = 'HKLM\\Software\\Evil']`, want: []string{`windows-registry-key hkey_local_machine\software\evil`}},
		{in: "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]", want: []string{"ipv4-addr 192.0.2.1 to & network-traffic:dst_port 443"}},
		{in: "[network-traffic:src_ref.value ISSUBSET '2001:db8::/32']", want: []string{"ipv6-addr cidr 2001:db8::/32 from"}},
		{in: "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = '192.0.2.1']", err: "dst_ref.type"},
		{in: "[network-traffic:dst_ref.value = 'evil.example.com']", err: "no IP address"},
		{in: "[network-traffic:dst_port = '443']", err: "cannot be compared"},
		{in: "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Evil/1.0']", want: []string{"user-agent Evil/1.0"}},
		{in: "[domain-name:value = 'a.example' AND ipv4-addr:value IN ('192.0.2.1', '192.0.2.2')]", want: []string{"domain-name a.example & ipv4-addr 192.0.2.1", "domain-name a.example & ipv4-addr 192.0.2.2"}},
		{in: "[domain-name:value = 'a.example'] OR [ipv4-addr:value = '192.0.2.1']", want: []string{"domain-name a.example", "ipv4-addr 192.0.2.1"}},
		{in: "[domain-name:value = 'a.example'] AND [ipv4-addr:value = '192.0.2.1']", err: "needs more than one record"},
		{in: "[domain-name:value = 'a.example'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.1']", err: "needs more than one record"},
		{in: "[domain-name:value = 'a.example'] WITHIN 5 SECONDS", err: "needs more than one record"},
		{in: "[domain-name:value = 'a.example'] REPEATS 5 TIMES", err: "needs more than one record"},
		{in: "[domain-name:value != 'a.example']", err: "cannot be looked up"},
		{in: "[domain-name:value NOT = 'a.example']", err: "absent"},
		{in: "[domain-name:value = 'a.example' OR domain-name:value NOT LIKE 'b%']", err: "absent"},
		{in: "[" + strings.Repeat("domain-name:value IN ('a.example', 'b.example') AND ", 40) + "url:value = 'http://x.example/']", err: "more than 50000 tests"},
		// what no record shows is left out of a choice, and named
		{in: "[file:hashes.MD5 = '" + md5 + "' OR file:size = 5]", want: []string{"file:hashes.MD5 " + md5}, err: "file:size"},
	} {
		o, err := pattern.Parse(c.in, pattern.Options{})
		if err != nil {
			t.Fatalf("%s: %v", c.in, err)
		}
		alternatives, left, total, err := streamable(o)
		var got []string
		for _, terms := range alternatives {
			got = append(got, say(&indicator.Indicator{Term: terms[0], And: terms[1:]}))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.in, d)
		}
		if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%.200s: got %v, want …%s…", c.in, err, c.err)
		}
		if err == nil && left != 0 || total < left {
			t.Errorf("%s: %d of %d left out", c.in, left, total)
		}
	}
}

const id = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"

// stixIndicator writes an indicator with further members.
func stixIndicator(pattern, more string) string {
	p, _ := json.Marshal(pattern)
	return fmt.Sprintf(`{"type":"indicator","id":%q,"pattern":%s,"valid_from":"2026-01-01T00:00:00Z"%s}`, id, p, more)
}

func TestSTIXBundle(t *testing.T) {
	text := `{"type":"bundle","id":"bundle--1","objects":[` + strings.Join([]string{
		stixIndicator("[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2']", `,"pattern_type":"stix","created_by_ref":"identity--1","confidence":70,"name":"Scanners","valid_until":"2026-02-01T00:00:00.5Z","object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da","marking-definition--9"]`),
		`{"type":"identity","id":"identity--1","name":"maCERT"}`,
		`{"type":"marking-definition","id":"marking-definition--9","definition_type":"tlp","definition":{"tlp":"amber"}}`,
		stixIndicator("[domain-name:value = 'a.example']", ""),
		stixIndicator("[domain-name:value = 'gone.example']", `,"revoked":true`),
		stixIndicator("[domain-name:value = 'never.example']", `,"valid_until":"2025-01-01T00:00:00Z"`),
		stixIndicator("alert tcp any any", `,"pattern_type":"snort"`),
		stixIndicator("[a = 1]", ""),
		stixIndicator("[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e' OR file:size = 5]", ""),
		`{"type":"indicator","pattern":5}`,
		`{"type":"malware","id":"malware--1","name":"x"}`,
	}, ",") + `]}`
	p := filepath.Join(t.TempDir(), "bundle.json")
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	byValue := map[string]indicator.Indicator{}
	report, err := Read([]string{p}, Options{Subdomains: true}, func(in *indicator.Indicator) error {
		byValue[in.Value] = *in
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	scanner := indicator.Indicator{
		Term: indicator.Term{Kind: observable.IPv4, Value: "192.0.2.1"}, And: []indicator.Term{}, ID: id,
		Pattern: "[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2']", Source: "maCERT", Confidence: 70, TLP: "amber", Name: "Scanners",
		ValidFrom: from, ValidUntil: time.Date(2026, 2, 1, 0, 0, 0, 5e8, time.UTC),
	}
	if d := cmp.Diff(scanner, byValue["192.0.2.1"]); d != "" {
		t.Error(d)
	}
	domain := indicator.Indicator{Term: indicator.Term{Kind: observable.Domain, Value: "a.example"}, And: []indicator.Term{}, ID: id,
		Pattern: "[domain-name:value = 'a.example']", Source: "bundle.json", Confidence: -1, ValidFrom: from}
	if d := cmp.Diff(domain, byValue["a.example"]); d != "" {
		t.Error(d)
	}
	if len(byValue) != 4 || byValue["192.0.2.2"].ID != id {
		t.Errorf("got %v", byValue)
	}
	if report.Read != 8 || report.Loaded != 3 || report.Skipped != 1 || report.FailedCount != 4 || report.Partly != 1 {
		t.Errorf("%+v", report)
	}
	var reasons []string
	for _, f := range report.Failed {
		reasons = append(reasons, f.Reason)
	}
	all := strings.Join(reasons, "\n")
	for _, want := range []string{"never valid", "not streamable: its pattern is written in snort", "the pattern is invalid: byte 3", "not streamable: 1 of 2 alternatives", "no STIX object"} {
		if !strings.Contains(all, want) {
			t.Errorf("no reason says %q:\n%s", want, all)
		}
	}
}

func TestSTIXVersions(t *testing.T) {
	dir := t.TempDir()
	versions := func(name string, of ...string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(`{"type":"bundle","objects":[`+strings.Join(of, ",")+`]}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other := func(s string) string { return strings.Replace(s, "8e2e2d2b", "00000000", 1) }
	versions("1.json", stixIndicator("[domain-name:value = 'new.example']", `,"modified":"2026-01-03T00:00:00.000Z"`),
		other(stixIndicator("[domain-name:value = 'gone.example']", `,"modified":"2026-01-01T00:00:00.000Z"`)))
	versions("2.json", stixIndicator("[domain-name:value = 'old.example']", `,"modified":"2026-01-02T00:00:00.000Z"`),
		other(stixIndicator("[domain-name:value = 'gone.example']", `,"modified":"2026-01-02T00:00:00.000Z","revoked":true`)))
	b := indicator.NewBuilder(nil)
	report, err := Read([]string{dir}, Options{}, b.Add)
	stats := b.Build().Stats()
	if err != nil || report.Loaded != 3 || report.Skipped != 1 || stats.Loaded != 1 || stats.Superseded != 2 || stats.Distinct != 1 {
		t.Errorf("%v, %+v, %+v", err, report, stats)
	}
}

func TestSTIXBesideBundles(t *testing.T) {
	one := stixIndicator("[domain-name:value = 'a.example']", "")
	for name, text := range map[string]string{
		"bare": one, "array": "[" + one + "]", "lines": one + "\n" + one + "\n",
		"STIX 2.0": `{"type":"bundle","spec_version":"2.0","objects":[{"type":"indicator","id":"indicator--1","labels":["malicious-activity"],"pattern":"[domain-name:value = 'a.example']","valid_from":"2026-01-01T00:00:00Z"}]}`,
		"sorted":   `{"id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","objects":[` + one + `],"type":"bundle"}`,
	} {
		got, report := readText(t, "x.json", text, Options{})
		if len(got) == 0 || got[0] != "domain-name a.example" || report.FailedCount != 0 || report.Files[0].Format != "STIX" {
			t.Errorf("%s: got %v, %+v", name, got, report)
		}
	}
}

func TestManyAlternatives(t *testing.T) {
	var p strings.Builder
	p.WriteString("[domain-name:value = 'n0.example'")
	for i := range 9999 {
		fmt.Fprintf(&p, " OR domain-name:value = 'n%d.example'", i+1)
	}
	p.WriteByte(']')
	got, report := readText(t, "x.json", stixIndicator(p.String(), ""), Options{})
	if len(got) != 10000 || report.Loaded != 1 {
		t.Errorf("%d alternatives, %+v", len(got), report)
	}
	big := "[" + strings.Repeat("domain-name:value = 'n.example' OR ", maxTests) + "domain-name:value = 'm.example']"
	start := time.Now()
	got, report = readText(t, "x.json", stixIndicator(big, ""), Options{})
	if len(got) != 0 || report.FailedCount != 1 || !strings.Contains(report.Failed[0].Reason, "more than 50000 tests") || time.Since(start) > 10*time.Second {
		t.Errorf("%d alternatives after %s, %+v", len(got), time.Since(start), report.Failed)
	}
}

func TestMISPAttributes(t *testing.T) {
	const md5, sha1 = "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709"
	for _, c := range []struct{ typ, value, want string }{
		{"ip-src", "192.0.2.1", "ipv4-addr 192.0.2.1"},
		{"ip-dst", "192.0.2.0/24", "ipv4-addr cidr 192.0.2.0/24"},
		{"ip-dst|port", "192.0.2.1|443", "ipv4-addr 192.0.2.1 to & network-traffic:dst_port 443"},
		{"ip-src|port", "2001:db8::1|22", "ipv6-addr 2001:db8::1 from & network-traffic:src_port 22"},
		{"domain", "Evil.example", "domain-name evil.example"},
		{"hostname|port", "evil.example|8080", "domain-name evil.example"},
		{"domain|ip", "evil.example|192.0.2.1", "domain-name evil.example, ipv4-addr 192.0.2.1"},
		{"url", "evil.example/x", "url http://evil.example/x"},
		{"url", "evil.onion", "domain-name evil.onion"},
		{"uri", "/gate.php", "failed"},
		{"link", "https://evil.example/", "url https://evil.example/"},
		{"email-src", "a@example.com", "email-addr a@example.com"},
		{"md5", md5, "file:hashes.MD5 " + md5},
		{"md5", "nonsense", "failed"},
		{"filename|sha1", "a|b.exe|" + sha1, "file:hashes.'SHA-1' " + sha1},
		{"filename|imphash", "a.exe|" + md5, "file:hashes.IMPHASH " + md5},
		{"filename|tlsh", "a.exe|x", "skipped"},
		{"malware-sample", "a.exe|" + md5, "file:hashes.MD5 " + md5},
		{"filename", `C:\x\A.exe`, "file:name a.exe"},
		{"x509-fingerprint-sha1", sha1, "x509-certificate:hashes.'SHA-1' " + sha1},
		{"x509-fingerprint-md5", md5, "skipped"},
		{"ja3-fingerprint-md5", md5, "ja3 " + md5},
		{"user-agent", "Evil 1.0", "user-agent Evil 1.0"},
		{"regkey|value", `HKCU\Software\x|data`, `windows-registry-key hkey_current_user\software\x`},
		{"stix2-pattern", "[domain-name:value = 'p.example']", "domain-name p.example"},
		{"yara", "rule x {}", "skipped"},
		{"AS", "AS64496", "skipped"},
		{"email-subject", "x", "skipped"},
	} {
		text, err := json.Marshal(map[string]any{"Event": map[string]any{"info": "x", "Attribute": []any{map[string]any{"uuid": "u", "type": c.typ, "value": c.value, "to_ids": true}}}})
		if err != nil {
			t.Fatal(err)
		}
		got, report := readText(t, "e.json", string(text), Options{})
		said := strings.Join(got, ", ")
		switch {
		case report.FailedCount > 0:
			said = "failed"
		case report.Skipped > 0:
			said = "skipped"
		}
		if said != c.want {
			t.Errorf("%s %s: got %s, want %s; %+v", c.typ, c.value, said, c.want, report.Failed)
		}
	}
}

func TestMISPEvent(t *testing.T) {
	p := filepath.Join(t.TempDir(), "event.json")
	text := `{"response":[{"Event":{"uuid":"e","info":"A campaign","Tag":[{"name":"tlp:green"},{"name":"x:y=\"z\""}],
	"Attribute":[
	 {"uuid":"a1","type":"ip-dst","value":"192.0.2.1","to_ids":true,"comment":"C2","Tag":[{"name":"tlp:red"}]},
	 {"uuid":"a2","type":"ip-dst","value":"192.0.2.2","to_ids":false},
	 {"uuid":"a3","type":"ip-dst","value":"192.0.2.3","to_ids":true,"deleted":true}],
	"Object":[
	 {"name":"file","Attribute":[
	  {"uuid":"o1","type":"filename","value":"svchost.exe","to_ids":true},
	  {"uuid":"o2","type":"md5","value":"d41d8cd98f00b204e9800998ecf8427e","to_ids":"1"}]},
	 {"name":"file","Attribute":[{"uuid":"o3","type":"filename","value":"evil.exe","to_ids":1}]},
	 {"name":"file","deleted":true,"Attribute":[{"uuid":"o4","type":"filename","value":"old.exe","to_ids":1}]}]}}]}`
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	report, err := Read([]string{p}, Options{}, func(in *indicator.Indicator) error {
		got = append(got, fmt.Sprintf("%s %s %q %s %q %d", in.ID, say(in), in.Source, in.TLP, in.Name, in.Confidence))
		return nil
	})
	want := []string{
		`a1 ipv4-addr 192.0.2.1 "A campaign" red "C2" -1`,
		`o2 file:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e "A campaign" green "" -1`,
		`o3 file:name evil.exe "A campaign" green "" -1`,
	}
	if d := cmp.Diff(want, got); err != nil || d != "" || report.Skipped != 1 || report.Read != 4 {
		t.Errorf("%v, %s, %+v", err, d, report)
	}
}

func TestRealMISPEvents(t *testing.T) {
	raw, err := os.ReadFile(recorded.Path(t, "misp/events_counts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var counts []struct {
		File  string
		ToIDS int64 `json:"to_ids_true"`
		Tags  []string
	}
	if err := json.Unmarshal(raw, &counts); err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		tlp := ""
		report, err := Read([]string{recorded.Path(t, "misp/events/"+c.File)}, Options{}, func(in *indicator.Indicator) error {
			tlp = in.TLP
			return nil
		})
		if err != nil || report.Read != c.ToIDS || report.FailedCount != 0 || report.Files[0].Format != "MISP event" {
			t.Errorf("%s: %v, read %d of %d, failed %+v", c.File, err, report.Read, c.ToIDS, report.Failed)
		}
		if report.Loaded > 0 && strings.Contains(strings.Join(c.Tags, " "), "tlp:white") && tlp != "clear" {
			t.Errorf("%s: TLP %q", c.File, tlp)
		}
		t.Logf("%s: loaded %d of %d; skipped %v", c.File, report.Loaded, report.Read, report.SkippedWhy)
	}
}

func TestRealWarninglistsAndLists(t *testing.T) {
	lists, report, err := ReadWarninglists([]string{recorded.Path(t, "misp/warninglists")}, Options{})
	if err != nil || len(lists) != 15 || report.Loaded != 15 {
		t.Errorf("%d lists, %+v, %v", len(lists), report, err)
	}
	n := 0
	ipsum, err := Read([]string{recorded.Path(t, "indicators/ipsum-half.txt.gz")}, Options{}, func(in *indicator.Indicator) error {
		if in.Kind == observable.IPv4 {
			n++
		}
		return nil
	})
	if err != nil || n < 10000 || ipsum.FailedCount != 0 || int64(n) != ipsum.Read {
		t.Errorf("%d addresses, %+v, %v", n, ipsum, err)
	}
	attack, err := Read([]string{recorded.Path(t, "attack")}, Options{}, func(*indicator.Indicator) error { return nil })
	if err != nil || attack.FailedCount != 0 {
		t.Errorf("%+v, %v", attack, err)
	}
}
