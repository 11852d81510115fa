package pattern

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/internal/recorded"
)

func TestParseWritesCanonicalForm(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"spaces and spellings", "( [ file:size==1 \t OR file:name<>'a'] )", "[file:size = 1 OR file:name != 'a']"},
		{"comments", "[a:b = 1] /* why */ AND // because\n [c:d = 2]", "[a:b = 1] AND [c:d = 2]"},
		{"quoted key that needs none", "[file:'name' = 'x']", "[file:name = 'x']"},
		{"quoted keys that need it", "[file:hashes.'SHA-256'.'AND'.'' = 'x']", "[file:hashes.'SHA-256'.'AND'.'' = 'x']"},
		{"indexes", "[a:b[*].c[0][-1] > 7.0]", "[a:b[*].c[0][-1] > 7.0]"},
		{"escapes", `[a:b = 'it\'s C:\\x']`, `[a:b = 'it\'s C:\\x']`},
		{"constants", "[a:b IN (+1, -.5, true, h'0A', b'AQI=', t'2020-01-01T00:00:60.1Z', 's')]", "[a:b IN (1, -0.5, true, h'0a', b'AQI=', t'2020-01-01T00:00:60.1Z', 's')]"},
		{"empty set", "[a:b NOT IN ( )]", "[a:b NOT IN ()]"},
		{"precedence of comparisons", "[a:b=1 OR c:d=2 AND (e:f=3 OR g:h=4)]", "[a:b = 1 OR c:d = 2 AND (e:f = 3 OR g:h = 4)]"},
		{"precedence of observations", "[a:b=1] FOLLOWEDBY ([c:d=2] AND [e:f=3]) OR [g:h=4]", "[a:b = 1] FOLLOWEDBY [c:d = 2] AND [e:f = 3] OR [g:h = 4]"},
		{"nested the other way", "[a:b=1] AND ([c:d=2] OR [e:f=3])", "[a:b = 1] AND ([c:d = 2] OR [e:f = 3])"},
		{"qualifiers", "([a:b=1]) WITHIN 5 SECONDS WITHIN .5 SECONDS", "([a:b = 1]) WITHIN 5 SECONDS WITHIN 0.5 SECONDS"},
		{"qualified twice in parentheses", "([a:b=1] REPEATS 2 TIMES) REPEATS 3 TIMES", "([a:b = 1]) REPEATS 2 TIMES REPEATS 3 TIMES"},
		{"exists", "[EXISTS a:b AND a:c NOT = 1]", "[EXISTS a:b AND a:c NOT = 1]"},
		{"start and stop", "[a:b=1] START t'2020-01-01T00:00:00Z' STOP t'2019-01-01T00:00:00Z'", "[a:b = 1] START t'2020-01-01T00:00:00Z' STOP t'2019-01-01T00:00:00Z'"},
		{"no space", "[network-traffic:dst_port IN(443,6443)]WITHIN 5SECONDS", "[network-traffic:dst_port IN (443, 6443)] WITHIN 5 SECONDS"},
		{"hash in capitals", "[file:hashes.md5 = 'D41D8CD98F00B204E9800998ECF8427E']", "[file:hashes.md5 = 'D41D8CD98F00B204E9800998ECF8427E']"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(c.in, Options{Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestParseSaysWhereAndWhat(t *testing.T) {
	for _, c := range []struct {
		in     string
		offset int
		reason string
	}{
		{"", 0, "expected [ or ("},
		{"file:size = 1", 0, "expected [ or ("},
		{"[file.size = 1]", 5, "expected :"},
		{"[file:size = ]", 13, "expected a constant"},
		{"[file:size 1]", 11, "expected =,"},
		{"[file:name MATCHES /x/]", 19, `"/" means nothing here`},
		{"[file:hashes.MD5 =? 'x']", 18, `"?" means nothing here`},
		{"[a:needs-quotes = 1]", 3, "one with a hyphen stands in quotes"},
		{"[a:b = 1", 8, "expected ]"},
		{"[a:b = 1] within 2 SECONDS", 10, "expected AND, OR"},
		{"[a:b = 1] WITHIN -5 SECONDS", 17, "above 0"},
		{"[a:b = 1] WITHIN 5 HOURS", 19, "expected SECONDS"},
		{"[a:b = 1] REPEATS 0 TIMES", 18, "at least 1"},
		{"[a:b = 1] REPEATS 1.5 TIMES", 18, "at least 1"},
		{"[a:b = 1] START t'2020-01-01T00:00:00Z'", 39, "expected STOP"},
		{"[a:b = 1] START 'soon' STOP 'later'", 16, "expected a timestamp"},
		{"[a:b = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS", 27, "WITHIN stands twice"},
		{"([a:b = 1] REPEATS 2 TIMES REPEATS 3 TIMES)", 27, "REPEATS stands twice"},
		{"[a:b = 1] REPEATS 2 TIMES REPEATS 3 TIMES OR [c:d = 1]", 26, "REPEATS stands twice"},
		{"[a:b > true]", 7, "has an order"},
		{"[a:b LIKE 5]", 10, "expected a string after LIKE"},
		{"[a:b = 'x]", 7, "a string is not closed"},
		{`[a:b = 'C:\x']`, 10, "backslash"},
		{"[a:b = t'2020-13-01T00:00:00Z']", 7, "expected a timestamp"},
		{"[a:b = t'2020-01-01T00:00:00.Z']", 7, "expected a timestamp"},
		{"[a:b = h'0']", 7, "hexadecimal"},
		{"[a:b = b'']", 7, "base64"},
		{"[a:b = b'====']", 7, "base64"},
		{"[a:b = 007]", 7, "begin with 0"},
		{"[a:b = 99999999999999999999]", 7, "too large"},
		{"[a:b = null]", 7, "expected a constant"},
		{"[a:b = 1] /* open", 10, "comment is not closed"},
		{"[a:b IN (1,)]", 11, "expected a constant"},
		{"[a:b IN (1 2)]", 11, "expected , or )"},
		{"[file:hashes.'SHA-256' = 'f00']", 1, "is no SHA-256 hash"},
		{"[file:hashes.MD5 IN ('d41d8cd98f00b204e9800998ecf8427e', 'x')]", 1, "is no MD5 hash"},
		{"[\xff:b = 1]", 1, "means nothing here"},
		{strings.Repeat("(", 100000), 64, "nested deeper than 64"},
		{"[" + strings.Repeat("(", 100000), 65, "nested deeper than 64"},
		{"[a:b IN (" + strings.Repeat("1,", 300000) + "1)]", 400007, "more than 200000"},
		{strings.Repeat(" ", MaxLength+1), MaxLength, "at most 4194304 are read"},
	} {
		_, err := Parse(c.in, Options{})
		var e *Error
		if !errors.As(err, &e) || e.Offset != c.offset || !strings.Contains(e.Reason, c.reason) {
			t.Errorf("%.60s: got %v, want byte %d: …%s…", c.in, err, c.offset, c.reason)
		}
	}
}

func TestOlderWritersAreReadUnlessStrict(t *testing.T) {
	for in, want := range map[string]string{
		"[a:b=1] START '2020-01-01T00:00:00Z' STOP '2021-01-01T00:00:00.5Z'": "[a:b = 1] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00.5Z'",
		"[a:b=1] REPEATS 2 TIMES REPEATS 3 TIMES":                            "([a:b = 1]) REPEATS 2 TIMES REPEATS 3 TIMES",
	} {
		got, err := Parse(in, Options{})
		if err != nil || got.String() != want {
			t.Errorf("%s: got %v, %v", in, got, err)
		}
		if _, err := Parse(in, Options{Strict: true}); err == nil {
			t.Errorf("%s: accepted as STIX 2.1", in)
		}
	}
}

func TestTenThousandAlternatives(t *testing.T) {
	in := "[" + strings.Repeat("file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e' OR ", 9999) + "a:b = 1]"
	start := time.Now()
	o, err := Parse(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(o.(*Single).Expr.(*Logic).Of); n != 10000 {
		t.Errorf("%d alternatives", n)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %s", d)
	}
}

func TestConstantTime(t *testing.T) {
	for in, want := range map[string]string{
		"2020-01-01T00:00:00.25Z": "2020-01-01T00:00:00.25Z",
		"2016-12-31T23:59:60Z":    "2017-01-01T00:00:00Z",
	} {
		got, err := Constant{Kind: Timestamp, Text: in}.Time()
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %v, %v", in, got, err)
		}
	}
	if _, err := (Constant{Kind: Timestamp, Text: "2024-02-30T12:00:00Z"}).Time(); err == nil {
		t.Error("30 February is an instant")
	}
}

func TestAlternatives(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string // tests of an alternative joined by " & "; or an error
		err  string
	}{
		{in: "[a:b = 1 OR a:b IN (2, 3)]", want: []string{"a:b = 1", "a:b = 2", "a:b = 3"}},
		{in: "[a:b = 1 AND (c:d = 2 OR e:f LIKE '%')]", want: []string{"a:b = 1 & c:d = 2", "a:b = 1 & e:f LIKE '%'"}},
		{in: "[a:b IN (1, 2) AND c:d IN (3, 4)]", want: []string{"a:b = 1 & c:d = 3", "a:b = 1 & c:d = 4", "a:b = 2 & c:d = 3", "a:b = 2 & c:d = 4"}},
		{in: "[a:b = 1] OR ([c:d = 2] OR [e:f MATCHES 'x'])", want: []string{"a:b = 1", "c:d = 2", "e:f MATCHES 'x'"}},
		{in: "[a:b = 1] AND [c:d = 2]", err: "AND between observations needs more than one record"},
		{in: "[a:b = 1] FOLLOWEDBY [c:d = 2]", err: "FOLLOWEDBY between observations"},
		{in: "[a:b = 1] WITHIN 5 SECONDS", err: "WITHIN 5 SECONDS needs more than one record"},
		{in: "[a:b NOT = 1]", err: "a:b NOT = asks for what is absent"},
		{in: "[a:b != 1]", err: "a:b != cannot be looked up"},
		{in: "[a:b > 1]", err: "a:b > cannot be looked up"},
		{in: "[EXISTS a:b]", err: "a:b EXISTS cannot be looked up"},
		{in: "[a:b IN ()]", err: "never holds"},
		{in: "[" + strings.Repeat("a:b IN (1, 2) AND ", 20) + "c:d = 1]", err: "more than 100 tests"},
		{in: "[" + strings.Repeat("a:b = 1 OR ", 100) + "c:d = 1]", err: "more than 100 tests"},
		{in: "[" + strings.Repeat("a:b = 1 AND ", 10000) + "c:d = 1]", err: "more than 64 tests are joined"},
		{in: strings.Repeat("[a:b = 1] OR ", 100) + "[c:d = 1]", err: "more than 100 tests"},
	} {
		o, err := Parse(c.in, Options{})
		if err != nil {
			t.Fatal(err)
		}
		alternatives, err := Alternatives(o, 100)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%.60s: got %v, want …%s…", c.in, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		var got []string
		for _, tests := range alternatives {
			var all []string
			for _, test := range tests {
				all = append(all, test.String())
			}
			got = append(got, strings.Join(all, " & "))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.in, d)
		}
	}
}

// shared returns a file of the developer data, which stands beside the
// repository.
func shared(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(recorded.Path(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOASISValidatorCases(t *testing.T) {
	var cases []struct {
		Pattern string
		Version string `json:"stix_version"`
		Valid   bool
	}
	if err := json.Unmarshal(shared(t, "stix/pattern-validity/cases.json"), &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		o, err := Parse(c.Pattern, Options{Strict: c.Version == "2.1"})
		if (err == nil) != c.Valid {
			t.Errorf("STIX %s %s: got %v, valid is %v", c.Version, c.Pattern, err, c.Valid)
		}
		if err == nil {
			roundTrip(t, o)
		}
	}
}

func TestOASISMatcherCases(t *testing.T) {
	for _, file := range []string{"v20.json", "v21.json"} {
		var groups map[string]struct {
			Cases []struct{ Pattern, Expect string }
		}
		if err := json.Unmarshal(shared(t, "stix/pattern-matching/"+file), &groups); err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			for _, c := range g.Cases {
				o, err := Parse(c.Pattern, Options{})
				switch {
				case c.Expect == "error:ParseException" && err == nil:
					t.Errorf("%s: accepted", c.Pattern)
				case (c.Expect == "match" || c.Expect == "no-match") && err != nil:
					t.Errorf("%s: %v", c.Pattern, err)
				}
				if err == nil {
					roundTrip(t, o)
				}
			}
		}
	}
}

func roundTrip(t interface {
	Helper()
	Errorf(string, ...any)
}, o Observation) {
	t.Helper()
	again, err := Parse(o.String(), Options{Strict: true})
	if err != nil {
		t.Errorf("%s: does not parse again: %v", o, err)
		return
	}
	if d := cmp.Diff(o, again); d != "" {
		t.Errorf("%s: differs when parsed again: %s", o, d)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']",
		"([a:b[*].c NOT LIKE 'x%' AND (d:e IN (1, 2.5, true) OR EXISTS f:g)] FOLLOWEDBY [h-i:'j k' > t'2020-01-01T00:00:00Z']) WITHIN 5 SECONDS REPEATS 2 TIMES",
		"[a:b = b'AQI=' OR a:c != h'00ff'] START '2020-01-01T00:00:00Z' STOP '2021-01-01T00:00:00Z' // end",
		"[a:b = 1] REPEATS 2 TIMES REPEATS 3 TIMES", "([a:b=1] WITHIN 1 SECONDS) WITHIN 2 SECONDS", "[((a:b = '\\'\\\\'))]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := Parse(s, Options{})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(s) {
				t.Fatalf("error %v for %q", err, s)
			}
			return
		}
		roundTrip(t, o)
		_, _ = Alternatives(o, 1000)
	})
}
