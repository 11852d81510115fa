package sigma

import (
	"bytes"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"borj.dev/borj/watch/record"
)

// Evaluate tells whether e holds for r. It is the oracle that judges the fast
// evaluator: it reads like the specification, looks every field up by name,
// and remembers nothing from one comparison to the next.
func Evaluate(e Expr, r *record.Record) bool {
	switch e := e.(type) {
	case And:
		for _, part := range e {
			if !Evaluate(part, r) {
				return false
			}
		}
		return true
	case Or:
		return slices.ContainsFunc(e, func(part Expr) bool { return Evaluate(part, r) })
	case Not:
		return !Evaluate(e.Of, r)
	case *Match:
		return e.holds(r)
	}
	return false
}

func (m *Match) holds(r *record.Record) bool {
	switch m.Op {
	case OpExists:
		return exists(r, m.Field)
	case OpNull:
		if !exists(r, m.Field) {
			return true
		}
	}
	found := false
	m.each(r, func(*record.Field) bool {
		found = true
		return false
	})
	return found
}

// each calls yield with the values of r for which the comparison holds, until
// yield returns false.
func (m *Match) each(r *record.Record, yield func(*record.Field) bool) {
	for i := range r.Fields {
		f := &r.Fields[i]
		if (m.Field == "" || slices.Contains(r.NamesOf(f), m.Field)) && m.holdsFor(r, f) && !yield(f) {
			return
		}
	}
}

func (m *Match) holdsFor(r *record.Record, f *record.Field) bool {
	if m.Op == OpNull {
		return f.Kind == record.Null
	}
	value, _, ok := ValueText(r, f, nil)
	if !ok {
		return false
	}
	if m.Op == OpFieldRef {
		return m.holdsForRef(r, value)
	}
	return m.HoldsFor(value)
}

// HoldsFor tells whether the comparison holds for one value, which ValueText
// gave. It cannot answer for OpExists, OpNull and OpFieldRef, which need the
// record.
func (m *Match) HoldsFor(value []byte) bool {
	if m.comparesText() && !m.Cased {
		value = Fold(nil, value)
	}
	return m.holdsForFolded(value)
}

// comparesText tells whether the comparison is one of text, before which case
// is folded.
func (m *Match) comparesText() bool { return m.Op <= OpGlob && m.Part == WholeValue }

// maxAddress is longer than any address with its zone.
const maxAddress = 128

// ParseAddress reads an IP address. A zone is dropped, and an IPv4 address
// mapped to IPv6 is taken for what it is.
func ParseAddress(text []byte) (netip.Addr, bool) {
	if len(text) > maxAddress {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(string(text))
	return addr.WithZone("").Unmap(), err == nil
}

// holdsForFolded is HoldsFor a value that is folded, if the comparison folds.
func (m *Match) holdsForFolded(value []byte) bool {
	switch m.Op {
	case OpRegexp:
		return m.Regexp.Match(value)
	case OpCIDR:
		addr, ok := ParseAddress(value)
		return ok && m.Prefix.Contains(addr)
	}
	if !m.comparesText() {
		return m.holdsForNumber(value)
	}
	if m.Op == OpGlob {
		return fitsGlob(m.Glob, value)
	}
	return compareText(m.Op, value, []byte(m.Text))
}

func (m *Match) holdsForNumber(value []byte) bool {
	var x float64
	var ok bool
	if m.Part == WholeValue {
		x, ok = ParseNumber(value)
	} else {
		x, ok = m.Part.Of(value)
	}
	if !ok {
		return false
	}
	switch m.Op {
	case OpEquals:
		return x == m.Number
	case OpLess:
		return x < m.Number
	case OpLessEqual:
		return x <= m.Number
	case OpGreater:
		return x > m.Number
	case OpGreaterEqual:
		return x >= m.Number
	}
	return false
}

func (m *Match) holdsForRef(r *record.Record, value []byte) bool {
	if !m.Cased {
		value = Fold(nil, value)
	}
	for f := range r.Values(m.Text) {
		other, _, ok := ValueText(r, f, nil)
		if !ok {
			continue
		}
		if !m.Cased {
			other = Fold(nil, other)
		}
		if compareText(m.RefOp, value, other) {
			return true
		}
	}
	return false
}

func compareText(op Op, value, text []byte) bool {
	switch op {
	case OpEquals:
		return bytes.Equal(value, text)
	case OpContains:
		return bytes.Contains(value, text)
	case OpStartsWith:
		return bytes.HasPrefix(value, text)
	case OpEndsWith:
		return bytes.HasSuffix(value, text)
	}
	return false
}

// exists tells whether the record has the field, or one beneath it.
func exists(r *record.Record, name string) bool {
	for i := range r.Fields {
		for _, n := range r.NamesOf(&r.Fields[i]) {
			if n == name || len(n) > len(name) && n[len(name)] == '.' && strings.HasPrefix(n, name) {
				return true
			}
		}
	}
	return false
}

// ValueText returns the text that a value is compared as: a string decoded, a
// number as written, "true" and "false". Null and empty containers have none.
// Like Record.Bytes, it returns a slice of the record, or of buf grown.
func ValueText(r *record.Record, f *record.Field, buf []byte) (text, grown []byte, ok bool) {
	switch f.Kind {
	case record.Null, record.Empty:
		return nil, buf, false
	case record.True:
		return []byte("true"), buf, true
	case record.False:
		return []byte("false"), buf, true
	}
	text, grown = r.Bytes(f, buf)
	return text, grown, true
}

// ParseNumber reads a decimal number, as JSON or a Windows event writes it. A
// string counts too: many sources write every number as one.
func ParseNumber(text []byte) (float64, bool) {
	if len(text) == 0 || len(text) > 64 {
		return 0, false
	}
	for _, c := range text {
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	x, err := strconv.ParseFloat(string(text), 64)
	return x, err == nil && !math.IsInf(x, 0)
}

// HoldsForFolded is HoldsFor for a value that was folded already. It is for
// comparisons of text that are not Cased.
func (m *Match) HoldsForFolded(folded []byte) bool { return m.holdsForFolded(folded) }
