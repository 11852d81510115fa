package sigma

import (
	"slices"
	"strings"

	"borj.dev/borj/watch/record"
)

// MatchedField is a value that made a rule true.
type MatchedField struct {
	Path  string // the record's own dotted path, such as dns.query[0].rrname
	Value string
}

// Bounds of what a hit shows.
const (
	maxMatched      = 64
	maxMatchedValue = 32 << 10 // bytes
)

// Matched returns the values that made e true for r, in the order in which e
// asks for them: those of every comparison that holds and stands under no
// Not. It returns nothing when e is not true. Values longer than 32 KiB are
// cut, and at most 64 are returned.
func Matched(e Expr, r *record.Record) []MatchedField {
	v := newView(r)
	if !v.evaluate(e) {
		return nil
	}
	out := make([]MatchedField, 0, len(v.matched))
	for _, f := range v.matched {
		value := r.String(f)
		if len(value) > maxMatchedValue {
			value = strings.ToValidUTF8(value[:maxMatchedValue], "")
		}
		out = append(out, MatchedField{r.Locate(f), value})
	}
	return out
}

// view is a record looked at by many comparisons: its values by name, each
// decoded and folded once. A noisy rule with thousands of values would
// otherwise take longer to explain than to match.
type view struct {
	record  *record.Record
	byName  map[string][]*value
	all     []*value
	matched []*record.Field
}

type value struct {
	field  *record.Field
	text   []byte
	folded []byte
	ok     bool // it has a text
}

func newView(r *record.Record) *view {
	v := &view{record: r, byName: map[string][]*value{}}
	for i := range r.Fields {
		f := &r.Fields[i]
		x := &value{field: f}
		if x.text, _, x.ok = ValueText(r, f, nil); x.ok {
			x.folded = Fold(nil, x.text)
		}
		v.all = append(v.all, x)
		for _, name := range r.NamesOf(f) {
			v.byName[name] = append(v.byName[name], x)
		}
	}
	return v
}

// evaluate is Evaluate, and adds to matched what the truth of e rests on.
func (v *view) evaluate(e Expr) bool {
	before := len(v.matched)
	switch e := e.(type) {
	case And:
		for _, part := range e {
			if !v.evaluate(part) {
				v.matched = v.matched[:before]
				return false
			}
		}
		return true
	case Or:
		holds := false
		for _, part := range e {
			holds = v.evaluate(part) || holds
		}
		return holds
	case Not:
		holds := v.evaluate(e.Of)
		v.matched = v.matched[:before]
		return !holds
	case *Match:
		return v.match(e)
	}
	return false
}

func (v *view) match(m *Match) bool {
	holds := false
	values := v.byName[m.Field]
	if m.Field == "" {
		values = v.all
	}
	for _, x := range values {
		if v.holdsFor(m, x) {
			holds = true
			if len(v.matched) < maxMatched && !slices.Contains(v.matched, x.field) {
				v.matched = append(v.matched, x.field)
			}
		}
	}
	return holds || (m.Op == OpNull || m.Op == OpExists) && m.holds(v.record)
}

func (v *view) holdsFor(m *Match, x *value) bool {
	switch {
	case m.Op == OpNull:
		return x.field.Kind == record.Null
	case m.Op == OpExists:
		return true
	case !x.ok:
		return false
	case m.Op == OpFieldRef:
		return m.holdsForRef(v.record, x.text)
	case m.comparesText() && !m.Cased:
		return m.holdsForFolded(x.folded)
	}
	return m.holdsForFolded(x.text)
}
