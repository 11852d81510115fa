package feed

import (
	"bufio"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
)

// readAny reads text as a file of that name, and checks what must hold for any
// text: every entry is accounted for, and the set takes every indicator.
func readAny(t *testing.T, buffer *bufio.Reader, name, text string) {
	for _, warninglists := range []bool{false, true} {
		r := newReader(Options{Failures: 20})
		r.buffer = buffer
		set := indicator.NewBuilder(nil)
		r.add = func(in *indicator.Indicator) error {
			if err := set.Add(in); err != nil {
				t.Errorf("%q gives %s, which the set refuses: %v", text, say(in), err)
			}
			return nil
		}
		if warninglists {
			r.warninglists = []indicator.Warninglist{}
		}
		err := r.file(input{name: name, named: true, text: strings.NewReader(text)})
		p := r.report
		if failed := p.Read - p.Loaded - p.Skipped; failed != p.FailedCount && (err == nil || failed != p.FailedCount-1) {
			t.Errorf("%q: read %d, loaded %d, skipped %d, failed %d, %v", text, p.Read, p.Loaded, p.Skipped, p.FailedCount, err)
		}
		if len(p.Failed) > 20 || p.FailedCount > 0 && len(p.Failed) == 0 {
			t.Errorf("%q: kept %d of %d failures", text, len(p.Failed), p.FailedCount)
		}
	}
}

func fuzzFeed(f *testing.F, name string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	buffer := bufio.NewReaderSize(nil, maxLine)
	f.Fuzz(func(t *testing.T, text string) { readAny(t, buffer, name, text) })
}

func FuzzList(f *testing.F) {
	fuzzFeed(f, "list.txt", "192.0.2.1\t3\n# c\n0.0.0.0 evil.example.com\n", "*.a.example\n||b.example^\n192.0.2.0/24,x\nhxxp://a[.]example/b*\n",
		"d41d8cd98f00b204e9800998ecf8427e\nHKLM\\a b\\c\n192.0.2.1:443\n[2001:db8::1]:443\n", "\xef\xbb\xbfa@b.example\r\n", "\x00", "[section]\n", "a.example:*\n")
}

func FuzzCSV(f *testing.F) {
	fuzzFeed(f, "feed.csv", "indicator,type,confidence\n192.0.2.1|443,ip-dst|port,80\n\"a\nb\",url,\n", "# ip;port\n192.0.2.1;80\n",
		"value,type\nx|y,filename|md5\n/x,uri\n*,url\na.example|b,domain|ip\n", "1,192.0.2.1\n", "sha1,listingreason,tlp\nda39a3ee5e6b4b0d3255bfef95601890afd80709,x,white\n", "ip\n\"")
}

func FuzzSTIXBundle(f *testing.F) {
	fuzzFeed(f, "bundle.json", `{"type":"bundle","objects":[`+stixIndicator("[ipv4-addr:value ISSUBSET '192.0.2.0/24' AND file:name LIKE 'a%' OR network-traffic:dst_ref.value = '::1']", `,"confidence":5`)+`]}`,
		stixIndicator("[url:value MATCHES '[' OR domain-name:value IN ('a.example')]", `,"object_marking_refs":["x"],"revoked":false`), `[{"type":"identity"},{"type":"indicator"}]`, `{"objects":[`, `{"type":"indicator","pattern":"["}`)
}

func FuzzMISPEvent(f *testing.F) {
	fuzzFeed(f, "event.json", `{"Event":{"info":"x","Attribute":[{"type":"domain|ip","value":"a.example|192.0.2.1","to_ids":true}],"Object":[{"Attribute":[{"type":"regkey|value","value":"a|b","to_ids":1}]}]}}`,
		`{"response":[[{"Event":{"Attribute":[{"type":"stix2-pattern","value":"[file:name = 'a']","to_ids":"1"},{"type":"url","value":"/","to_ids":true}]}}]]}`, `{"info":5}`, `{"response":{"Attribute":[{}]}}`)
}

func FuzzWarninglist(f *testing.F) {
	fuzzFeed(f, "warninglist.json", `{"name":"a","type":"cidr","list":["192.0.2.1"],"matching_attributes":["ip-src"]}`, `[{"list":[1,"a"]},{"list":{}}]`, `{"list":null}`, `{"matching_attributes":["x"],"list":[]}`)
}

func TestPropertyFastAgreesWithRecognise(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "hxxp", "fxp", "x", "0", "1", "255", "256", "01", "com", "exe", "so", "example", "b_c", "-", "xn--p1ai", "deadbeef", strings.Repeat("a", 63), strings.Repeat("b", 64), "h", ""})
	text := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(part, 1, 6).Draw(t, "parts"), ".")
		}),
		rapid.StringMatching(`[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}`),
		rapid.StringMatching(`([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-g]{32}|[0-9A-F]{40})`),
		rapid.StringMatching(`[a-z0-9.:/@_-]{1,20}`),
	)
	r := newReader(Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		kind, ok := r.fast([]byte(s))
		if !ok {
			return // it is not sure, and the slow way decides
		}
		want, known := observable.Recognise(s)
		canonical, err := observable.Canonical(kind, s)
		if !known || want != kind || err != nil || canonical != s {
			t.Fatalf("%q: fast says %s; Recognise %s, %v; canonical %q, %v", s, kind, want, known, canonical, err)
		}
	})
}
