package indicator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"borj.dev/borj/watch/observable"
	"borj.dev/borj/watch/record"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func build(t testing.TB, benign *Suppressor, list ...Indicator) *Set {
	t.Helper()
	b := NewBuilder(benign)
	for i := range list {
		if err := b.Add(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	return b.Build()
}

// hits matches one EVE record against the set, and renders what it hit.
func hits(t testing.TB, s *Set, raw string) []string {
	t.Helper()
	return hitsOf(t, s, record.FormatEVE, raw)
}

func hitsOf(t testing.TB, s *Set, format record.Format, raw string) []string {
	t.Helper()
	rec, err := record.NewFlattener(record.NewPaths(0), record.DefaultLimits).Flatten([]byte(raw), format)
	if err != nil {
		t.Fatal(err)
	}
	obs := observable.NewExtractor(s.Kinds()).Extract(rec, nil)
	var out []string
	s.Match(NewWorker(func() time.Time { return noon }), rec, obs, func(h *Hit) {
		var fields []string
		for _, i := range h.Matched {
			fields = append(fields, rec.Locate(&rec.Fields[i]))
		}
		out = append(out, h.Type+" "+h.Value+" in "+strings.Join(fields, " "))
	})
	return out
}

func term(k observable.Kind, m Match, value string) Indicator {
	return Indicator{Term: Term{Kind: k, Match: m, Value: value}, Confidence: -1}
}

func TestMatch(t *testing.T) {
	dns := func(name string) string { return fmt.Sprintf(`{"dns":{"rrname":%q}}`, name) }
	from := func(ip string) string { return fmt.Sprintf(`{"src_ip":%q}`, ip) }
	web := func(url string) string { return fmt.Sprintf(`{"http":{"http_refer":%q}}`, url) }
	for _, c := range []struct {
		name string
		in   Indicator
		raw  string
		want string // empty: no hit
	}{
		{"name", term(observable.Domain, Exact, "example.com"), dns("EXAMPLE.com."), "domain-name example.com in dns.rrname"},
		{"name beneath", term(observable.Domain, Exact, "example.com"), dns("www.example.com"), ""},
		{"subdomain", term(observable.Domain, Subdomains, "example.com"), dns("a.b.example.com"), "domain-name *.example.com in dns.rrname"},
		{"subdomain with star", term(observable.Domain, Subdomains, "*.example.com"), dns("a.example.com"), "domain-name *.example.com in dns.rrname"},
		{"subdomains hold the apex", term(observable.Domain, Subdomains, "example.com"), dns("example.com"), "domain-name *.example.com in dns.rrname"},
		{"subdomain boundary", term(observable.Domain, Subdomains, "example.com"), dns("notexample.com"), ""},
		{"subdomain of a longer name", term(observable.Domain, Subdomains, "example.com"), dns("example.com.evil.example"), ""},
		{"IDN", term(observable.Domain, Exact, "Bücher.example"), dns("xn--bcher-kva.example"), "domain-name xn--bcher-kva.example in dns.rrname"},

		{"address", term(observable.IPv4, Exact, "192.0.2.1"), from("192.0.2.1"), "ipv4-addr 192.0.2.1 in src_ip"},
		{"address mapped in the record", term(observable.IPv4, Exact, "192.0.2.1"), from("::ffff:192.0.2.1"), "ipv4-addr 192.0.2.1 in src_ip"},
		{"address mapped in the indicator", term(observable.IPv6, Exact, "::ffff:192.0.2.1"), from("192.0.2.1"), "ipv4-addr 192.0.2.1 in src_ip"},
		{"address written out", term(observable.IPv6, Exact, "2001:0db8::0:1"), from("2001:0db8:0000:0000:0000:0000:0000:0001"), "ipv6-addr 2001:db8::1 in src_ip"},
		{"prefix first", term(observable.IPv4, CIDR, "192.0.2.0/25"), from("192.0.2.0"), "ipv4-addr 192.0.2.0/25 in src_ip"},
		{"prefix last", term(observable.IPv4, CIDR, "192.0.2.0/25"), from("192.0.2.127"), "ipv4-addr 192.0.2.0/25 in src_ip"},
		{"prefix after", term(observable.IPv4, CIDR, "192.0.2.0/25"), from("192.0.2.128"), ""},
		{"prefix with host bits", term(observable.IPv4, CIDR, "192.0.2.77/24"), from("192.0.2.1"), "ipv4-addr 192.0.2.0/24 in src_ip"},
		{"prefix called exact", term(observable.IPv4, Exact, "192.0.2.0/24"), from("192.0.2.1"), "ipv4-addr 192.0.2.0/24 in src_ip"},
		{"prefix of one address", term(observable.IPv4, CIDR, "192.0.2.1/32"), from("192.0.2.1"), "ipv4-addr 192.0.2.1 in src_ip"},
		{"every IPv4 address", term(observable.IPv4, CIDR, "0.0.0.0/0"), from("203.0.113.9"), "ipv4-addr 0.0.0.0/0 in src_ip"},
		{"no IPv6 address in IPv4", term(observable.IPv4, CIDR, "0.0.0.0/0"), from("2001:db8::1"), ""},
		{"IPv6 prefix", term(observable.IPv6, CIDR, "2001:db8::/33"), from("2001:db8:7fff::1"), "ipv6-addr 2001:db8::/33 in src_ip"},
		{"IPv6 prefix after", term(observable.IPv6, CIDR, "2001:db8::/33"), from("2001:db8:8000::1"), ""},

		{"URL", term(observable.URL, Exact, "hxxp://Example[.]com:80/a"), web("http://example.com/a"), "url http://example.com/a in http.http_refer"},
		{"URL path matters", term(observable.URL, Exact, "http://example.com/a"), web("http://example.com/A"), ""},
		{"URL prefix", term(observable.URL, URLPrefix, "http://example.com/a"), web("http://example.com/abc?x"), "url http://example.com/a* in http.http_refer"},
		{"URL prefix of a host", term(observable.URL, URLPrefix, "http://example.com"), web("http://example.com/abc"), "url http://example.com/* in http.http_refer"},
		{"URL prefix of another host", term(observable.URL, URLPrefix, "http://example.com"), web("http://example.com.evil.example/"), ""},
		{"URL prefix longer than the URL", term(observable.URL, URLPrefix, "http://example.com/abc"), web("http://example.com/ab"), ""},
		{"URL substring", term(observable.URL, Substring, "/GATE.php"), web("http://example.com/x/gate.php?1"), "url */gate.php* in http.http_refer"},
		{"LIKE", term(observable.URL, Like, "http://%.com/_"), web("http://example.com/a"), "url http://%.com/_ in http.http_refer"},
		{"LIKE is of the whole", term(observable.URL, Like, "%.com/_"), web("http://example.com/ab"), ""},
		{"LIKE quotes the rest", term(observable.URL, Like, "http://example.com/.%"), web("http://example.com/ab"), ""},
		{"MATCHES", term(observable.URL, Regexp, `gate\d+\.php$`), web("http://example.com/gate12.php"), `url gate\d+\.php$ in http.http_refer`},
		{"another kind", term(observable.UserAgent, Exact, "example.com"), dns("example.com"), ""},
		{"role", Indicator{Term: Term{Kind: observable.IPv4, Value: "192.0.2.1", Role: observable.Source}}, `{"src_ip":"192.0.2.1","dest_ip":"192.0.2.1"}`, "ipv4-addr 192.0.2.1 in src_ip"},
		{"other role", Indicator{Term: Term{Kind: observable.IPv4, Value: "192.0.2.1", Role: observable.Destination}}, from("192.0.2.1"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(hits(t, build(t, nil, c.in), c.raw), ", ")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestOneHitNamesAllFields(t *testing.T) {
	s := build(t, nil, term(observable.Domain, Exact, "bad.example"), term(observable.IPv4, Exact, "192.0.2.1"), term(observable.IPv4, CIDR, "192.0.0.0/16"))
	got := hits(t, s, `{"src_ip":"192.0.2.1","flow":{"src_ip":"192.0.2.1"},"dns":{"query":[{"rrname":"x.example"},{"rrname":"bad.example"}],"answers":[{"rrname":"bad.example"}]}}`)
	want := []string{
		"ipv4-addr 192.0.2.1 in src_ip flow.src_ip",
		"ipv4-addr 192.0.0.0/16 in src_ip flow.src_ip",
		"domain-name bad.example in dns.query[1].rrname dns.answers[0].rrname",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
}

func TestAnd(t *testing.T) {
	pattern := "[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 443]"
	and := Indicator{Term: Term{Kind: observable.IPv4, Value: "192.0.2.1"}, And: []Term{{Kind: observable.DestinationPort, Value: "443"}}, ID: "indicator--1", Pattern: pattern}
	same := and
	same.Term, same.And = Term{Kind: observable.Domain, Value: "bad.example"}, nil // the other side of an OR
	s := build(t, nil, and, same)
	for _, c := range []struct {
		name, raw string
		want      []string
	}{
		{"both", `{"dest_ip":"192.0.2.1","dest_port":443}`, []string{"pattern " + pattern + " in dest_ip dest_port"}},
		{"one", `{"dest_ip":"192.0.2.1","dest_port":80}`, nil},
		{"the other alternative", `{"dns":{"rrname":"bad.example"},"dest_port":443}`, []string{"domain-name bad.example in dns.rrname"}},
		{"both alternatives are one hit", `{"dest_ip":"192.0.2.1","dest_port":443,"dns":{"rrname":"bad.example"}}`, []string{"domain-name bad.example in dest_ip dest_port dns.rrname"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, hits(t, s, c.raw)); diff != "" {
				t.Errorf("hits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidity(t *testing.T) {
	in := term(observable.IPv4, Exact, "192.0.2.1")
	in.ValidFrom, in.ValidUntil = noon, noon.Add(time.Hour)
	s := build(t, nil, in)
	for stamp, want := range map[string]int{
		"2026-03-01T11:59:59.999999+0000": 0,
		"2026-03-01T12:00:00.000000+0000": 1,
		"2026-03-01T12:59:59.999999+0000": 1,
		"2026-03-01T14:00:00.000000+0100": 0,
		"":                                1, // now is noon
	} {
		if got := len(hits(t, s, fmt.Sprintf(`{"timestamp":%q,"src_ip":"192.0.2.1"}`, stamp))); got != want {
			t.Errorf("at %q: %d hits, want %d", stamp, got, want)
		}
	}
}

func TestDuplicatesKeepEverySource(t *testing.T) {
	a, b, c := term(observable.Domain, Exact, "bad.example"), term(observable.Domain, Exact, "BAD.example."), term(observable.Domain, Exact, "bad.example")
	a.Source, b.Source, c.Source = "a.txt", "b.txt", "c.json"
	c.ID = "indicator--c"
	s := build(t, nil, a, b, c, a)
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	rec, err := fl.Flatten([]byte(`{"dns":{"rrname":"bad.example"}}`), record.FormatEVE)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	s.Match(NewWorker(time.Now), rec, observable.NewExtractor(s.Kinds()).Extract(rec, nil), func(h *Hit) {
		n++
		var sources []string
		for _, o := range h.Origins {
			sources = append(sources, o.Source)
		}
		if diff := cmp.Diff([]string{"a.txt", "b.txt", "c.json"}, sources); diff != "" || h.ID != "indicator--c" {
			t.Errorf("id %q; sources (-want +got):\n%s", h.ID, diff)
		}
	})
	if n != 1 || s.Stats().Distinct != 1 || s.Stats().Loaded != 4 {
		t.Errorf("%d hits, %+v", n, s.Stats())
	}
}

func TestUnusableIndicators(t *testing.T) {
	many := term(observable.IPv4, Exact, "192.0.2.1")
	many.And = make([]Term, maxTerms)
	for _, in := range []Indicator{
		term(observable.Domain, Exact, "a b"),
		term(observable.Domain, CIDR, "example.com"),
		term(observable.IPv4, CIDR, "192.0.2.0/33"),
		term(observable.IPv4, Subdomains, "192.0.2.1"),
		term(observable.Domain, URLPrefix, "example.com"),
		term(observable.URL, Regexp, "("),
		term(observable.URL, Substring, ""),
		term(observable.None, Exact, "x"),
		term(observable.Domain, Match(77), "x"),
		{Term: Term{Kind: observable.Domain, Value: "example.com", Role: observable.Source}},
		many,
	} {
		b := NewBuilder(nil)
		if err := b.Add(&in); err == nil {
			t.Errorf("%+v is taken", in.Term)
		}
		if s := b.Build(); s.Stats().Loaded != 0 || s.Kinds() != 0 {
			t.Errorf("%+v left something behind: %+v", in.Term, s.Stats())
		}
	}
}

func TestWarninglists(t *testing.T) {
	sup := NewSuppressor()
	for _, l := range []Warninglist{
		{Name: "private", Type: "cidr", Values: []string{"10.0.0.0/8", "192.0.2.9"}},
		{Name: "top sites", Type: "hostname", Values: []string{".good.example", "fine.example"}, Kinds: observable.KindsOf(observable.Domain, observable.URL)},
		{Name: "names only", Type: "hostname", Values: []string{"half.example"}, Kinds: observable.KindsOf(observable.Domain)},
		{Name: "empty files", Type: "string", Values: []string{"D41D8CD98F00B204E9800998ECF8427E", "3::"}, Kinds: observable.KindsOf(observable.MD5)},
		{Name: "exact names", Type: "string", Values: []string{"localhost"}, Kinds: observable.KindsOf(observable.Domain)},
		{Name: "agents", Type: "substring", Values: []string{"Mozilla"}, Kinds: observable.KindsOf(observable.UserAgent)},
		{Name: "generated", Type: "regex", Values: []string{`/^ns[0-9]+\.EXAMPLE$/i`}, Kinds: observable.KindsOf(observable.Domain)},
	} {
		if err := sup.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	if err := sup.Add(Warninglist{Name: "odd", Type: "fuzzy"}); err == nil {
		t.Error("an unknown type is taken")
	}
	if err := sup.Add(Warninglist{Name: "odd", Type: "regex", Values: []string{"(?<=a)"}}); err == nil || !strings.Contains(err.Error(), "odd") {
		t.Errorf("a bad expression gives %v", err)
	}
	b := NewBuilder(sup)
	byList := map[string]int{}
	for _, c := range []struct {
		in   Indicator
		list string
	}{
		{term(observable.IPv4, Exact, "10.1.2.3"), "private"},
		{term(observable.IPv4, CIDR, "10.1.0.0/16"), "private"},
		{term(observable.IPv4, CIDR, "8.0.0.0/6"), ""}, // wider than what is listed
		{term(observable.IPv4, Exact, "192.0.2.9"), "private"},
		{term(observable.IPv4, Exact, "192.0.2.10"), ""},
		{term(observable.Domain, Exact, "good.example"), "top sites"},
		{term(observable.Domain, Exact, "www.good.example"), "top sites"},
		{term(observable.Domain, Subdomains, "fine.example"), "top sites"},
		{term(observable.Domain, Exact, "notgood.example"), ""},
		{term(observable.URL, Exact, "http://www.good.example:8080/x"), "top sites"},
		{term(observable.URL, Exact, "http://half.example/x"), ""},
		{term(observable.Domain, Exact, "half.example"), "names only"},
		{term(observable.MD5, Exact, "d41d8cd98f00b204e9800998ecf8427e"), "empty files"},
		{term(observable.Domain, Exact, "localhost"), "exact names"},
		{term(observable.Domain, Exact, "x.localhost"), ""},
		{term(observable.UserAgent, Exact, "mozilla/5.0"), "agents"},
		{term(observable.Domain, Exact, "ns12.example"), "generated"},
		{Indicator{Term: Term{Kind: observable.IPv4, Value: "10.1.2.3"}, And: []Term{{Kind: observable.DestinationPort, Value: "4444"}}}, ""},
		{Indicator{Term: Term{Kind: observable.IPv4, Value: "10.1.2.3"}, And: []Term{{Kind: observable.Domain, Value: "good.example"}}}, "private"},
	} {
		before := b.Stats()
		suppressed := before.Suppressed
		if err := b.Add(&c.in); err != nil {
			t.Fatal(err)
		}
		if c.list != "" {
			byList[c.list]++
		}
		if got := b.Stats().Suppressed - suppressed; (got == 1) != (c.list != "") {
			t.Errorf("%+v: suppressed %v, want list %q", c.in.Term, got, c.list)
		}
	}
	if diff := cmp.Diff(byList, b.Stats().ByList); diff != "" {
		t.Errorf("by list (-want +got):\n%s", diff)
	}
	if err := sup.Add(Warninglist{Name: "late", Type: "string"}); err == nil {
		t.Error("a list is taken after the first indicator")
	}
}

// TestSetAgreesWithTheOracle draws sets and records from few values, so that
// they often meet, nest and repeat.
func TestSetAgreesWithTheOracle(t *testing.T) {
	address := rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.2", "192.0.3.1", "10.0.0.1", "2001:db8::1", "2001:db8::2", "::1"})
	name := rapid.SampledFrom([]string{"example", "a.example", "b.a.example", "nota.example", "x", "xn--bcher-kva.example"})
	url := rapid.SampledFrom([]string{"http://a.example/", "http://a.example/x", "http://a.example/xy", "http://a.example/x/y", "https://a.example/x", "http://b.example:8080/", "ws://a.example/x"})
	hash := rapid.SampledFrom([]string{strings.Repeat("a", 32), strings.Repeat("b", 32), strings.Repeat("0", 32)})
	port := rapid.SampledFrom([]string{"80", "443"})
	value := func(t *rapid.T, k observable.Kind) string {
		switch k {
		case observable.IPv4, observable.IPv6:
			return address.Draw(t, "address")
		case observable.Domain:
			return name.Draw(t, "name")
		case observable.URL:
			return url.Draw(t, "url")
		case observable.SourcePort, observable.DestinationPort:
			return port.Draw(t, "port")
		}
		return hash.Draw(t, "hash")
	}
	kinds := rapid.SampledFrom([]observable.Kind{observable.IPv4, observable.Domain, observable.URL, observable.MD5, observable.JA3, observable.DestinationPort})
	roles := rapid.SampledFrom([]observable.Role{observable.AnyRole, observable.AnyRole, observable.Source, observable.Destination})
	draw := func(t *rapid.T) Term {
		term := Term{Kind: kinds.Draw(t, "kind")}
		term.Value = value(t, term.Kind)
		var matches []Match
		switch term.Kind {
		case observable.IPv4:
			matches = []Match{Exact, CIDR}
			term.Kind = observable.AddressKind(term.Value)
			term.Role = roles.Draw(t, "role")
		case observable.Domain:
			matches = []Match{Exact, Subdomains, Like, Regexp, Substring}
		case observable.URL:
			matches = []Match{Exact, URLPrefix, Like, Regexp, Substring}
		default:
			matches = []Match{Exact, Substring}
		}
		switch term.Match = rapid.SampledFrom(matches).Draw(t, "match"); term.Match {
		case CIDR:
			bits := 32
			if term.Kind == observable.IPv6 {
				bits = 128
			}
			term.Value += fmt.Sprint("/", rapid.IntRange(0, bits).Draw(t, "bits"))
		case Like:
			term.Value = rapid.SampledFrom([]string{"%example%", "_.example", "http://%/x", "%y", "%", "a.example"}).Draw(t, "pattern")
		case Regexp:
			term.Value = rapid.SampledFrom([]string{`^a`, `x$`, `example`, `//[ab]\.`}).Draw(t, "pattern")
		case Substring:
			term.Value = rapid.SampledFrom([]string{"A", "example", "/x", "4", "bbb"}).Draw(t, "pattern")
		}
		return term
	}
	bound := rapid.SampledFrom([]time.Time{{}, {}, noon, noon.Add(time.Hour)})
	rapid.Check(t, func(t *rapid.T) {
		list := oracle(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Indicator {
			in := Indicator{Term: draw(t), Source: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "source")}
			in.And = rapid.SliceOfN(rapid.Custom(draw), 0, 3).Draw(t, "and")
			if !rapid.Bool().Draw(t, "join") {
				in.And = nil
			}
			in.ValidFrom, in.ValidUntil = bound.Draw(t, "from"), bound.Draw(t, "until")
			return in
		}), 1, 30).Draw(t, "indicators"))
		b := NewBuilder(nil)
		for i := range list {
			list[i].Name = fmt.Sprint(i) // tells whose claim it is
			if err := b.Add(&list[i]); err != nil {
				t.Fatalf("%+v: %v", list[i], err)
			}
			if rapid.IntRange(0, 4).Draw(t, "seal") == 0 && len(b.pending) > 0 {
				b.seal() // several runs, as millions would make
			}
		}
		s := b.Build()
		var obs []observable.Observable
		for i := range rapid.IntRange(0, 8).Draw(t, "observables") {
			k := kinds.Draw(t, "kind")
			o := observable.Observable{Field: int32(i / 2), Value: []byte(value(t, k)), Kind: k}
			if k == observable.IPv4 {
				o.Kind, o.Role = observable.AddressKind(string(o.Value)), roles.Draw(t, "role")
			}
			obs = append(obs, o)
		}
		paths := record.NewPaths(0)
		rec, err := record.NewFlattener(paths, record.DefaultLimits).Flatten([]byte(`{}`), record.FormatEVE)
		if err != nil {
			t.Fatal(err)
		}
		want := list.expected(obs, noon)
		got := map[int][]int32{}
		s.Match(NewWorker(func() time.Time { return noon }), rec, obs, func(h *Hit) {
			for _, o := range h.Origins {
				var i int
				fmt.Sscan(o.Name, &i)
				if got[i] != nil {
					t.Fatalf("indicator %d hits twice", i)
				}
				got[i] = slices.Clone(h.Matched)
			}
		})
		// A hit names the fields of all its origins: equal values with different
		// roles share one. So compare the fields only where roles agree.
		for i := range want {
			if list[i].Role != observable.AnyRole || got[i] == nil {
				continue
			}
			if len(list[i].And) == 0 && !slices.Equal(got[i], want[i]) {
				t.Fatalf("indicator %d %+v: fields %v, want %v", i, list[i], got[i], want[i])
			}
		}
		if !cmp.Equal(slices.Sorted(mapKeys(want)), slices.Sorted(mapKeys(got))) {
			t.Fatalf("hits %v, want %v\nof %+v\nin %s", got, want, list, describe(obs))
		}
	})
}

func mapKeys(m map[int][]int32) func(func(int) bool) {
	return func(yield func(int) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func describe(obs []observable.Observable) string {
	var out []string
	for _, o := range obs {
		out = append(out, fmt.Sprintf("%s %s %d %d", o.Kind, o.Value, o.Role, o.Field))
	}
	return strings.Join(out, "; ")
}
