package pattern

import (
	"testing"

	"pgregory.net/rapid"
)

// trees draws the trees that Parse can return.
type trees struct{ t *rapid.T }

func (g trees) oneOf(n int, label string) int { return rapid.IntRange(0, n-1).Draw(g.t, label) }

func (g trees) constant(kinds ...ConstantKind) Constant {
	c := Constant{Kind: rapid.SampledFrom(kinds).Draw(g.t, "kind")}
	switch c.Kind {
	case String:
		c.Text = rapid.StringOf(rapid.RuneFrom([]rune(`ab'\ %é[])`))).Draw(g.t, "text")
	case Integer:
		c.Int = rapid.Int64().Draw(g.t, "int")
	case Float:
		c.Flt = rapid.Float64Range(-1e300, 1e300).Draw(g.t, "float")
	case Boolean:
		c.Bool = rapid.Bool().Draw(g.t, "bool")
	case Binary, Hex:
		c.Text = string(rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(g.t, "bytes"))
	case Timestamp:
		c.Text = rapid.SampledFrom([]string{"2020-01-31T23:59:59Z", "0001-02-30T00:00:60.000Z", "2026-12-01T10:00:00.123456789Z"}).Draw(g.t, "time")
	}
	return c
}

func (g trees) path() Path {
	p := Path{Type: rapid.SampledFrom([]string{"file", "x-usb-device", "_a", "t"}).Draw(g.t, "type")}
	key := rapid.SampledFrom([]string{"name", "has-hyphen", "AND", "true", "", "it's", `\`, "_ref"})
	p.Steps = []Step{{Kind: Key, Key: key.Draw(g.t, "key")}}
	for range g.oneOf(3, "steps") {
		switch g.oneOf(3, "step") {
		case 0:
			p.Steps = append(p.Steps, Step{Kind: Key, Key: key.Draw(g.t, "key")})
		case 1:
			p.Steps = append(p.Steps, Step{Kind: Index, Index: int64(g.oneOf(5, "index") - 1)})
		case 2:
			p.Steps = append(p.Steps, Step{Kind: AnyIndex})
		}
	}
	return p
}

func (g trees) test() *Test {
	t := &Test{Path: g.path(), Op: Operator(1 + g.oneOf(int(Exists), "op"))}
	ordered := []ConstantKind{String, Integer, Float, Binary, Hex, Timestamp}
	switch {
	case t.Op == Exists:
		return t
	case t.Op == In:
		for range g.oneOf(4, "values") {
			t.Values = append(t.Values, g.constant(append(ordered, Boolean)...))
		}
	case t.Op > In:
		t.Values = []Constant{g.constant(String)}
	case t.Op == Equal || t.Op == NotEqual:
		t.Values = []Constant{g.constant(append(ordered, Boolean)...)}
	default:
		t.Values = []Constant{g.constant(ordered...)}
	}
	t.Not = rapid.Bool().Draw(g.t, "not")
	return t
}

func (g trees) comparison(depth int) Comparison {
	if depth == 0 || rapid.Bool().Draw(g.t, "leaf") {
		return g.test()
	}
	op := rapid.SampledFrom([]Operator{And, Or}).Draw(g.t, "logic")
	l := &Logic{Op: op}
	for range 2 + g.oneOf(2, "operands") {
		l.Of = append(l.Of, g.comparison(depth-1))
	}
	return l
}

func (g trees) observation(depth int) Observation {
	var o Observation
	if depth == 0 || rapid.Bool().Draw(g.t, "single") {
		o = &Single{Expr: g.comparison(2)}
	} else {
		j := &Join{Op: rapid.SampledFrom([]Operator{And, Or, FollowedBy}).Draw(g.t, "join")}
		for range 2 + g.oneOf(2, "operands") {
			j.Of = append(j.Of, g.observation(depth-1))
		}
		o = j
	}
	var by []Qualifier
	for range g.oneOf(3, "qualifiers") {
		switch g.oneOf(3, "qualifier") {
		case 0:
			by = append(by, Within{rapid.Float64Range(1e-9, 1e9).Draw(g.t, "seconds")})
		case 1:
			by = append(by, Repeats{rapid.Int64Range(1, 1<<62).Draw(g.t, "times")})
		case 2:
			by = append(by, StartStop{g.constant(Timestamp), g.constant(Timestamp)})
		}
	}
	if by != nil {
		return &Qualified{Of: o, By: by}
	}
	return o
}

func TestPropertyWrittenTreeParsesToItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { roundTrip(t, trees{t}.observation(3)) })
}

// holds says, slowly and obviously, whether a comparison holds for the set of
// true tests.
func holds(c Comparison, isTrue func(*Test) bool) bool {
	switch x := c.(type) {
	case *Test:
		return isTrue(x)
	case *Logic:
		for _, of := range x.Of {
			if holds(of, isTrue) != (x.Op == And) {
				return x.Op == Or
			}
		}
		return x.Op == And
	}
	return false
}

func TestPropertyAlternativesMeanTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := trees{rt}
		c := g.comparison(3)
		// Every test becomes one of eight equalities, so that truth can be drawn.
		var number func(Comparison)
		number = func(c Comparison) {
			switch x := c.(type) {
			case *Test:
				*x = Test{Path: Path{"a", []Step{{Kind: Key, Key: "b"}}}, Op: Equal, Values: []Constant{{Kind: Integer, Int: int64(g.oneOf(8, "value"))}}}
			case *Logic:
				for _, of := range x.Of {
					number(of)
				}
			}
		}
		number(c)
		truth := g.oneOf(256, "truth")
		isTrue := func(t *Test) bool { return truth>>t.Values[0].Int&1 != 0 }
		alternatives, err := Alternatives(&Single{c}, 100000)
		if err != nil {
			rt.Fatal(err)
		}
		got := false
		for _, tests := range alternatives {
			all := true
			for i := range tests {
				all = all && isTrue(&tests[i])
			}
			got = got || all
		}
		if want := holds(c, isTrue); got != want {
			rt.Fatalf("%s: alternatives say %v, the tree %v", c, got, want)
		}
	})
}
