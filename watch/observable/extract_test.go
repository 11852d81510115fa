package observable

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/watch/record"
)

func TestFieldsTable(t *testing.T) {
	table, err := parseFields(fieldsText)
	if err != nil {
		t.Fatal(err)
	}
	for f := range table {
		if format := record.Format(f); len(table[f]) == 0 {
			t.Errorf("no field of %s carries anything", format)
		}
	}
	// Plans are numbered by a byte, with two numbers taken.
	e := NewExtractor(AllKinds)
	for f := range table {
		for _, p := range table[f] {
			e.number(p)
		}
	}
	if n := len(e.steps); n > 200 {
		t.Errorf("%d different plans, and a byte numbers them", n)
	}
	for _, bad := range []string{"eve src_ip", "xyz a address", "eve a nonsense", "eve a address@left", "eve a domain\neve a domain"} {
		if _, err := parseFields(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// found renders what was extracted as "path kind value", the path only where
// it changes.
func found(t *testing.T, format record.Format, raw string, want Kinds) []string {
	t.Helper()
	rec, err := record.NewFlattener(record.NewPaths(0), record.DefaultLimits).Flatten([]byte(raw), format)
	if err != nil {
		t.Fatal(err)
	}
	return render(rec, NewExtractor(want).Extract(rec, nil))
}

func render(rec *record.Record, obs []Observable) []string {
	var out []string
	for _, o := range obs {
		role := [...]string{"", " source", " destination"}[o.Role]
		out = append(out, fmt.Sprintf("%s %s %s%s", rec.Locate(&rec.Fields[o.Field]), o.Kind, o.Value, role))
	}
	return out
}

func TestExtract(t *testing.T) {
	sha256 := strings.Repeat("ab", 32)
	for _, c := range []struct {
		name   string
		format record.Format
		raw    string
		want   []string
	}{
		{"eve dns", record.FormatEVE,
			`{"event_type":"dns","src_ip":"2001:0db8:0000:0000:0000:0000:0000:0001","dest_ip":"192.0.2.53","dns":{"query":[{"rrname":"Bad.Example."}],"answers":[{"rrname":"bad.example","rdata":"192.0.2.66"},{"rdata":"cdn.example"}]}}`,
			[]string{
				"src_ip ipv6-addr 2001:db8::1 source", "dest_ip ipv4-addr 192.0.2.53 destination", "dns.query[0].rrname domain-name bad.example",
				"dns.answers[0].rrname domain-name bad.example", "dns.answers[0].rdata ipv4-addr 192.0.2.66", "dns.answers[1].rdata domain-name cdn.example",
			}},
		{"eve http", record.FormatEVE,
			`{"event_type":"http","http":{"hostname":"Bad.Example:8080","url":"\/a b?q=1","http_user_agent":"Evil/1","http_refer":"https://ref.example/x"}}`,
			[]string{
				"http.hostname domain-name bad.example", "http.http_user_agent user-agent Evil/1", "http.http_refer url https://ref.example/x",
				"http.http_refer domain-name ref.example", "http.url url http://bad.example:8080/a%20b?q=1",
			}},
		{"eve http by a proxy", record.FormatEVE, `{"http":{"hostname":"192.0.2.9","url":"http://bad.example/x"}}`,
			[]string{"http.hostname ipv4-addr 192.0.2.9", "http.url url http://bad.example/x", "http.url domain-name bad.example"}},
		{"eve tls", record.FormatEVE,
			`{"tls":{"sni":"bad.example","fingerprint":"70:94:de:dd:e6:c4:69:48:3a:92:70:a1:48:56:78:2d:18:64:e0:b7","ja3":{"hash":"d41d8cd98f00b204e9800998ecf8427e","string":"771,1"},"ja4":"t13d1516h2_8daaf6152771_b186095e22b6"}}`,
			[]string{
				"tls.sni domain-name bad.example", "tls.fingerprint x509-certificate:hashes.'SHA-1' 7094dedde6c469483a9270a14856782d1864e0b7",
				"tls.ja3.hash ja3 d41d8cd98f00b204e9800998ecf8427e", "tls.ja4 ja4 t13d1516h2_8daaf6152771_b186095e22b6",
			}},
		{"eve mail", record.FormatEVE, `{"smtp":{"mail_from":"<A@bad.example>"},"email":{"to":["\"B, C\" <b@good.example>, d@good.example"]}}`,
			[]string{"smtp.mail_from email-addr a@bad.example", "email.to[0] email-addr b@good.example", "email.to[0] email-addr d@good.example"}},
		{"eve alert and stats are about others", record.FormatEVE,
			`{"event_type":"alert","alert":{"metadata":{"ioc":["bad.example"]},"signature":"192.0.2.1"},"stats":{"src_ip":"192.0.2.1"}}`, nil},
		{"zeek dotted", record.FormatZeek, `{"_path":"dns","id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","query":"bad.example","answers":["alias.example","192.0.2.66"]}`,
			[]string{
				"id.orig_h ipv4-addr 10.0.0.1 source", "id.resp_h ipv4-addr 10.0.0.2 destination", "query domain-name bad.example",
				"answers[0] domain-name alias.example", "answers[1] ipv4-addr 192.0.2.66",
			}},
		{"zeek underscored", record.FormatZeek, `{"@stream":"http","id_orig_h":"10.0.0.1","host":"bad.example","uri":"/x"}`,
			[]string{"id_orig_h ipv4-addr 10.0.0.1 source", "host domain-name bad.example", "uri url http://bad.example/x"}},
		{"sysmon", record.FormatWindows,
			`{"EventID":1,"Image":"C:\\Temp\\Evil.exe","Hashes":"SHA1=0000000000000000000000000000000000000000,MD5=D41D8CD98F00B204E9800998ECF8427E,SHA256=` + sha256 + `,IMPHASH=f34d5f2d4577ed6d9ceec516c1f5a744"}`,
			[]string{
				"Image file:name evil.exe", "Hashes file:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e", "Hashes file:hashes.'SHA-256' " + sha256,
				"Hashes file:hashes.IMPHASH f34d5f2d4577ed6d9ceec516c1f5a744",
			}},
		{"sysmon in EVTX form", record.FormatWindows, `{"Event":{"System":{"EventID":22},"EventData":{"QueryName":"bad.example","QueryResults":"type:  5 alias.example;::ffff:192.0.2.66;"}}}`,
			[]string{
				"Event.EventData.QueryName domain-name bad.example", "Event.EventData.QueryResults domain-name alias.example",
				"Event.EventData.QueryResults ipv4-addr 192.0.2.66",
			}},
		{"registry", record.FormatWindows, `{"TargetObject":"HKLM\\Run\\Evil"}`,
			[]string{`TargetObject windows-registry-key hkey_local_machine\run\evil`, `TargetObject windows-registry-key hkey_local_machine\run`}},
		{"a dash is nothing", record.FormatWindows, `{"SourceIp":"-","DestinationHostname":"-","Image":"-","IpAddress":"LOCAL"}`, nil},
		{"cloudtrail", record.FormatCloudTrail, `{"sourceIPAddress":"192.0.2.1","userAgent":"aws-cli/1"}`,
			[]string{"sourceIPAddress ipv4-addr 192.0.2.1 source", "userAgent user-agent aws-cli/1"}},
		{"any JSON by name and by shape", record.FormatJSON, `{"source":{"ip":"192.0.2.1"},"note":"bad.example","x":{"y":"192.0.2.2"},"z":"no thing","n":12,"SourceIp":"192.0.2.3"}`,
			[]string{"source.ip ipv4-addr 192.0.2.1 source", "note domain-name bad.example", "x.y ipv4-addr 192.0.2.2", "SourceIp ipv4-addr 192.0.2.3 source"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, found(t, c.format, c.raw, AllKinds&^KindsOf(SourcePort, DestinationPort))); diff != "" {
				t.Errorf("observables (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExtractOnlyWhatIsWanted(t *testing.T) {
	raw := `{"src_ip":"192.0.2.1","src_port":1,"dest_port":443,"http":{"hostname":"bad.example","url":"/x","http_refer":"http://ref.example/"}}`
	for _, c := range []struct {
		want Kinds
		out  []string
	}{
		{KindsOf(Domain), []string{"http.hostname domain-name bad.example", "http.http_refer domain-name ref.example"}},
		{KindsOf(URL), []string{"http.http_refer url http://ref.example/", "http.url url http://bad.example/x"}},
		{KindsOf(DestinationPort), []string{"dest_port network-traffic:dst_port 443"}},
		{KindsOf(IPv6), nil},
	} {
		if diff := cmp.Diff(c.out, found(t, record.FormatEVE, raw, c.want)); diff != "" {
			t.Errorf("wanting %b (-want +got):\n%s", c.want, diff)
		}
	}
}

// TestExtractBeyondThePathTable holds that a full path table loses nothing.
func TestExtractBeyondThePathTable(t *testing.T) {
	paths := record.NewPaths(3) // room for one path
	raw := []byte(`{"a":1,"src_ip":"192.0.2.1","dns":{"query":[{"rrname":"bad.example"}]}}`)
	rec, err := record.NewFlattener(paths, record.DefaultLimits).Flatten(raw, record.FormatEVE)
	if err != nil {
		t.Fatal(err)
	}
	got := render(rec, NewExtractor(AllKinds).Extract(rec, nil))
	want := []string{"src_ip ipv4-addr 192.0.2.1 source", "dns.query[0].rrname domain-name bad.example"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("observables (-want +got):\n%s", diff)
	}
}

func TestExtractIsBounded(t *testing.T) {
	raw := `{"email":{"to":["` + strings.Repeat(strings.Repeat("a@b ", 8000)+`","`, 20) + `"]}}`
	rec, err := record.NewFlattener(record.NewPaths(0), record.DefaultLimits).Flatten([]byte(raw), record.FormatEVE)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(NewExtractor(AllKinds).Extract(rec, nil)); n < MaxObservables || n > MaxObservables+MaxLength/4 {
		t.Errorf("%d observables", n)
	}
}

func TestExtractAllocatesNothing(t *testing.T) {
	raw := []byte(`{"src_ip":"2001:0db8:0000:0000:0000:0000:0000:0001","dest_ip":"192.0.2.1","dns":{"rrname":"Bad.Example"},"http":{"hostname":"Bad.example","url":"\/a","http_user_agent":"x"}}`)
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	e := NewExtractor(AllKinds)
	var obs []Observable
	once := func() {
		rec, err := fl.Flatten(raw, record.FormatEVE)
		if err != nil {
			t.Fatal(err)
		}
		obs = e.Extract(rec, obs[:0])
	}
	once()
	once()
	if n := testing.AllocsPerRun(100, once); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
	if len(obs) != 6 {
		t.Errorf("%d observables", len(obs))
	}
}

// FuzzExtract feeds arbitrary values to every way of reading a field.
func FuzzExtract(f *testing.F) {
	f.Add("a@b.example, <c@d>")
	f.Add("SHA1=,MD5=d41d8cd98f00b204e9800998ecf8427e,=")
	f.Add("type:  5 a;::ffff:1.2.3.4;;")
	f.Add("http://[::1%25a]:80/\xff#")
	f.Fuzz(func(t *testing.T, v string) {
		if v == "" || len(v) > MaxLength {
			return
		}
		e := NewExtractor(AllKinds)
		for _, s := range readings {
			for _, o := range e.read(0, []byte(v), s, nil) {
				again, _, err := appendCanonical(o.Kind, o.Value, nil)
				if err != nil || string(again) != string(o.Value) {
					t.Fatalf("%s %q of %q is not canonical: %q, %v", o.Kind, o.Value, v, again, err)
				}
			}
		}
	})
}
