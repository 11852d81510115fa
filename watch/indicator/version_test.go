package indicator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/watch/observable"
)

func TestNewestVersionOfAnIDCounts(t *testing.T) {
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	version := func(id, name string, modified time.Time) Indicator {
		return Indicator{Term: Term{Kind: observable.Domain, Value: name}, ID: id, Modified: modified, Confidence: -1}
	}
	revoked := func(id string, modified time.Time) Indicator {
		return Indicator{ID: id, Modified: modified, Revoked: true}
	}
	like := version("a", "", day(1))
	like.Match, like.Value = Like, "old%"
	both := version("a", "old.example", day(1))
	both.And = []Term{{Kind: observable.Domain, Value: "new.example"}}
	for _, c := range []struct {
		name       string
		in         []Indicator
		want       string // names that hit
		superseded int
	}{
		{"newer after older", []Indicator{version("a", "old.example", day(1)), version("a", "new.example", day(2))}, "new.example", 1},
		{"older after newer", []Indicator{version("a", "new.example", day(2)), version("b", "b.example", day(1)), version("a", "old.example", day(1))}, "b.example new.example", 1},
		{"alternatives of one version", []Indicator{version("a", "old.example", day(1)), version("a", "new.example", day(1)), version("a", "b.example", day(1))}, "b.example new.example old.example", 0},
		{"the same value again", []Indicator{version("a", "old.example", day(1)), version("a", "old.example", day(2))}, "old.example", 1},
		{"revoked after", []Indicator{version("a", "old.example", day(1)), version("b", "b.example", day(1)), revoked("a", day(2))}, "b.example", 1},
		{"revoked before", []Indicator{revoked("a", day(2)), version("a", "old.example", day(1))}, "", 1},
		{"revoked, and then back", []Indicator{version("a", "old.example", day(1)), revoked("a", day(2)), version("a", "new.example", day(3))}, "new.example", 1},
		{"no versions", []Indicator{version("a", "old.example", time.Time{}), version("a", "new.example", time.Time{}), version("a", "b.example", day(1)), version("a", "c.example", day(2))}, "c.example new.example old.example", 1},
		{"patterns and rules", []Indicator{like, both, version("a", "b.example", day(2))}, "b.example", 2},
	} {
		s := build(t, nil, c.in...)
		var got []string
		for _, n := range []string{"b.example", "c.example", "new.example", "old.example"} {
			if len(hits(t, s, fmt.Sprintf(`{"dns":{"rrname":%q}}`, n))) > 0 {
				got = append(got, n)
			}
		}
		loaded := len(slices.DeleteFunc(slices.Clone(c.in), func(in Indicator) bool { return in.Revoked })) - c.superseded
		if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" || s.Stats().Superseded != c.superseded || s.Stats().Loaded != loaded {
			t.Errorf("%s: %s %+v", c.name, d, s.Stats())
		}
	}
}

func TestManyClaimsOfOneValue(t *testing.T) {
	b := NewBuilder(nil)
	const n = 300_000
	for i := range n {
		in := Indicator{Term: Term{Kind: observable.Domain, Value: "evil.example"}, ID: fmt.Sprint("i", i), Confidence: -1}
		if i == n-1 {
			in.And = []Term{{Kind: observable.IPv4, Value: "192.0.2.1"}}
		}
		if err := b.Add(&in); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	s := b.Build()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	if s.Stats().Capped != n-1-maxOrigins {
		t.Errorf("%+v", s.Stats())
	}
	if got := hits(t, s, `{"dns":{"rrname":"evil.example"},"src_ip":"192.0.2.1"}`); len(got) != 2 {
		t.Errorf("got %v: the indicator of two terms must hit too", got)
	}
}
