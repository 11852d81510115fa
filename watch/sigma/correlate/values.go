package correlate

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"borj.dev/borj/watch/sigma"
)

// take makes s.event the entries of an event for one correlation: one, or one
// for each value that the condition looks at. It reports false when the event
// has none.
func (s *State) take(c *correlation, f *feed, e entry, refs []Ref, values [][]string) bool {
	s.event = s.event[:0]
	e.first = true
	if refs != nil || len(f.carry) > 0 {
		e.extra = &extra{refs: refs}
		for _, at := range f.carry {
			e.extra.carried = append(e.extra.carried, s.copyValues(at, values))
		}
	}
	switch {
	case c.kind.numeric():
		for _, v := range valuesAt(values, f.value[0]) {
			n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
				s.addValue(e, math.Float64bits(n))
			}
		}
	case c.kind == valueCount:
		for k := range s.combinations(f.value, values) {
			s.buf = s.appendKey(s.buf[:0], f.value, values, k)
			s.addValue(e, maphash.Bytes(s.seed, s.buf))
		}
	default:
		s.event = append(s.event, e)
	}
	return len(s.event) > 0
}

func (s *State) addValue(e entry, v uint64) {
	if len(s.event) == maxCombinations {
		s.stats.Cut++
		return
	}
	e.value = v
	if len(s.event) > 0 {
		e.first, e.extra = false, nil
	}
	s.event = append(s.event, e)
}

func valuesAt(values [][]string, at int) []string {
	if at < len(values) {
		return values[at]
	}
	return nil
}

// combinations returns how many combinations the values of some fields make:
// 0 when one of the fields has none, 1 without fields.
func (s *State) combinations(fields []int, values [][]string) int {
	n := 1
	for _, at := range fields {
		n *= min(len(valuesAt(values, at)), maxCombinations+1)
		if n > maxCombinations {
			s.stats.Cut++
			n = maxCombinations
		}
	}
	return n
}

// appendKey appends what tells the k-th combination of values from others.
func (s *State) appendKey(buf []byte, fields []int, values [][]string, k int) []byte {
	for _, at := range fields {
		all := valuesAt(values, at)
		v := all[k%len(all)]
		k /= len(all)
		if len(v) > maxValue {
			v = s.shorten(v)
		}
		s.raw = append(s.raw[:0], v...)
		buf = appendPart(buf, s.raw)
	}
	return buf
}

// appendPart appends a value of a key: folded, after its length.
func appendPart(buf, value []byte) []byte {
	mark := len(buf)
	buf = sigma.Fold(append(buf, 0, 0, 0, 0), value)
	binary.BigEndian.PutUint32(buf[mark:], uint32(len(buf)-mark))
	return buf
}

// shorten copies a value. Of a long one it keeps the beginning, and a hash so
// that different values stay different.
func (s *State) shorten(v string) string {
	if len(v) <= maxValue {
		return strings.Clone(v)
	}
	cut := maxValue
	for cut > 0 && !utf8.RuneStart(v[cut]) {
		cut--
	}
	s.raw = sigma.Fold(s.raw[:0], []byte(v))
	return v[:cut] + "…" + strconv.FormatUint(xxhash.Sum64(s.raw), 16)
}

// copyValues copies at most maxCombinations values of a field.
func (s *State) copyValues(at int, values [][]string) []string {
	from := valuesAt(values, at)
	if len(from) > maxCombinations {
		s.stats.Cut++
		from = from[:maxCombinations]
	}
	out := make([]string, len(from))
	for i, v := range from {
		out[i] = s.shorten(v)
	}
	return out
}
