package pattern

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// The canonical form has one space between words, no comments, upper-case
// keywords, = and != for equality, parentheses only where they are needed, and
// quotes only around properties that need them. Parse reads it back into an
// equal tree.

func (s *Single) String() string    { return written(s.write) }
func (j *Join) String() string      { return written(j.write) }
func (q *Qualified) String() string { return written(q.write) }
func (l *Logic) String() string     { return written(l.write) }
func (t *Test) String() string      { return written(t.write) }
func (p Path) String() string       { return written(p.write) }
func (c Constant) String() string   { return written(c.write) }

func (w Within) String() string  { return "WITHIN " + number(w.Seconds) + " SECONDS" }
func (r Repeats) String() string { return "REPEATS " + strconv.FormatInt(r.Times, 10) + " TIMES" }
func (s StartStop) String() string {
	return "START " + s.Start.String() + " STOP " + s.Stop.String()
}

func written(write func(*strings.Builder)) string {
	var b strings.Builder
	write(&b)
	return b.String()
}

func (s *Single) write(b *strings.Builder) {
	b.WriteByte('[')
	writeComparison(b, s.Expr)
	b.WriteByte(']')
}

func (j *Join) write(b *strings.Builder) {
	for i, o := range j.Of {
		if i > 0 {
			b.WriteString(" " + j.Op.String() + " ")
		}
		inner, ok := o.(*Join)
		inParens(b, ok && inner.Op >= j.Op, func() { writeObservation(b, o) })
	}
}

func (q *Qualified) write(b *strings.Builder) {
	_, single := q.Of.(*Single)
	inParens(b, !single || qualifiedTwice(q.By), func() { writeObservation(b, q.Of) })
	for _, by := range q.By {
		b.WriteString(" " + by.String())
	}
}

// qualifiedTwice tells whether a kind of qualifier stands twice, which is
// allowed only after parentheses.
func qualifiedTwice(by []Qualifier) bool {
	var within, repeats, startStop int
	for _, q := range by {
		switch q.(type) {
		case Within:
			within++
		case Repeats:
			repeats++
		case StartStop:
			startStop++
		}
	}
	return max(within, repeats, startStop) > 1
}

func (l *Logic) write(b *strings.Builder) {
	for i, c := range l.Of {
		if i > 0 {
			b.WriteString(" " + l.Op.String() + " ")
		}
		inner, ok := c.(*Logic)
		inParens(b, ok && inner.Op >= l.Op, func() { writeComparison(b, c) })
	}
}

func (t *Test) write(b *strings.Builder) {
	if t.Op == Exists {
		b.WriteString("EXISTS ")
		t.Path.write(b)
		return
	}
	t.Path.write(b)
	if t.Not {
		b.WriteString(" NOT")
	}
	b.WriteString(" " + t.Op.String() + " ")
	inParens(b, t.Op == In, func() {
		for i, v := range t.Values {
			if i > 0 {
				b.WriteString(", ")
			}
			v.write(b)
		}
	})
}

func (p Path) write(b *strings.Builder) {
	b.WriteString(p.Type + ":")
	for i, s := range p.Steps {
		switch s.Kind {
		case Index:
			b.WriteString("[" + strconv.FormatInt(s.Index, 10) + "]")
		case AnyIndex:
			b.WriteString("[*]")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			if plainName(s.Key) {
				b.WriteString(s.Key)
			} else {
				quote(b, s.Key)
			}
		}
	}
}

func (c Constant) write(b *strings.Builder) {
	switch c.Kind {
	case String:
		quote(b, c.Text)
	case Integer:
		b.WriteString(strconv.FormatInt(c.Int, 10))
	case Float:
		text := number(c.Flt)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		b.WriteString(text)
	case Boolean:
		b.WriteString(strconv.FormatBool(c.Bool))
	case Binary:
		b.WriteString("b'" + base64.StdEncoding.EncodeToString([]byte(c.Text)) + "'")
	case Hex:
		b.WriteString("h'" + hex.EncodeToString([]byte(c.Text)) + "'")
	case Timestamp:
		b.WriteString("t'" + c.Text + "'")
	}
}

func writeObservation(b *strings.Builder, o Observation) {
	switch x := o.(type) {
	case *Single:
		x.write(b)
	case *Join:
		x.write(b)
	case *Qualified:
		x.write(b)
	}
}

func writeComparison(b *strings.Builder, c Comparison) {
	switch x := c.(type) {
	case *Logic:
		x.write(b)
	case *Test:
		x.write(b)
	}
}

func inParens(b *strings.Builder, yes bool, write func()) {
	if yes {
		b.WriteByte('(')
	}
	write()
	if yes {
		b.WriteByte(')')
	}
}

// number writes f without an exponent, which the language does not have.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func quote(b *strings.Builder, s string) {
	b.WriteByte('\'')
	for i := range len(s) {
		if s[i] == '\'' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('\'')
}

// plainName tells whether a property can be written without quotes.
func plainName(s string) bool {
	if s == "" || !isNameStart(s[0]) || slices.ContainsFunc([]byte(s), func(c byte) bool { return c == '-' || !isNamePart(c) }) {
		return false
	}
	_, keyword := keywords[s]
	return !keyword
}
