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

// Matched returns the values that made e true for r: see View.Matched.
func Matched(e Expr, r *record.Record) []MatchedField { return NewView(r).Matched(e) }

// View is a record looked at by many comparisons, of one rule or of all that
// hold for it: its values by name, each found, decoded and folded once, when it
// is first asked for. A noisy record would otherwise take longer to explain
// than to match. It is valid as long as the record.
type View struct {
	record  *record.Record
	values  []value             // by field
	byName  map[string][]*value // of the names that were asked for
	matched []*value
}

// value is one field's value.
type value struct {
	field  *record.Field
	text   []byte
	folded []byte
	shown  *MatchedField // once a hit showed it
	read   bool          // text and ok are known
	ok     bool          // it has a text
}

// NewView returns a view of r.
func NewView(r *record.Record) *View {
	v := &View{record: r, values: make([]value, len(r.Fields)), byName: map[string][]*value{}}
	for i := range v.values {
		v.values[i].field = &r.Fields[i]
	}
	return v
}

// Matched returns the values that made e true, in the order in which e asks for
// them: those of every comparison that holds and stands under no Not. It
// returns nothing when e is not true. Values longer than 32 KiB are cut, and at
// most 64 are returned.
func (v *View) Matched(e Expr) []MatchedField {
	v.matched = v.matched[:0]
	if !v.evaluate(e) {
		return nil
	}
	out := make([]MatchedField, 0, len(v.matched))
	for _, x := range v.matched {
		out = append(out, v.show(x))
	}
	return out
}

func (v *View) show(x *value) MatchedField {
	if x.shown == nil {
		text := v.record.String(x.field)
		if len(text) > maxMatchedValue {
			text = strings.ToValidUTF8(text[:maxMatchedValue], "")
		}
		x.shown = &MatchedField{v.record.Locate(x.field), text}
	}
	return *x.shown
}

// named returns the values that are reachable under name, "" being every one.
func (v *View) named(name string) []*value {
	list, known := v.byName[name]
	if known {
		return list
	}
	for i := range v.values {
		if x := &v.values[i]; name == "" || slices.Contains(v.record.NamesOf(x.field), name) {
			list = append(list, x)
		}
	}
	v.byName[name] = list
	return list
}

// textOf returns what the comparison m looks at, and whether there is anything.
func (v *View) textOf(m *Match, x *value) ([]byte, bool) {
	if !x.read {
		x.text, _, x.ok = ValueText(v.record, x.field, nil)
		x.read = true
	}
	if !x.ok || !m.comparesText() || m.Cased {
		return x.text, x.ok
	}
	if x.folded == nil {
		x.folded = Fold(nil, x.text)
	}
	return x.folded, true
}

// evaluate is Evaluate, and adds to matched what the truth of e rests on.
func (v *View) evaluate(e Expr) bool {
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

func (v *View) match(m *Match) bool {
	holds := false
	for _, x := range v.named(m.Field) {
		if v.holdsFor(m, x) {
			holds = true
			if len(v.matched) < maxMatched && !slices.Contains(v.matched, x) {
				v.matched = append(v.matched, x)
			}
		}
	}
	return holds || (m.Op == OpNull || m.Op == OpExists) && m.holds(v.record)
}

func (v *View) holdsFor(m *Match, x *value) bool {
	switch m.Op {
	case OpNull:
		return x.field.Kind == record.Null
	case OpExists:
		return true
	}
	text, ok := v.textOf(m, x)
	if !ok {
		return false
	}
	if m.Op == OpFieldRef {
		return m.holdsForRef(v.record, text)
	}
	return m.holdsForFolded(text)
}
