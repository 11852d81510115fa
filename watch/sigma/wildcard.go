package sigma

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// parseWildcards splits a value into literal text and wildcards, as the
// specification's "Escape Character" section says: * and ? are wildcards, \*
// \? and \\ are the characters themselves, any other backslash is itself.
func parseWildcards(s string) []GlobPart {
	var parts []GlobPart
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			parts = append(parts, GlobPart{Literal, lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\'):
			i++
			lit.WriteByte(s[i])
		case c == '*':
			flush()
			parts = append(parts, GlobPart{Kind: Many})
		case c == '?':
			flush()
			parts = append(parts, GlobPart{Kind: One})
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return parts
}

// globMatch turns parts into the cheapest comparison that means the same.
func globMatch(field string, parts []GlobPart, cased bool) *Match {
	parts = tidy(parts)
	m := &Match{Field: field, Cased: cased}
	if !cased {
		for i := range parts {
			parts[i].Text = foldString(parts[i].Text)
		}
	}
	kind := func(i int) GlobKind { return parts[i].Kind }
	switch n := len(parts); {
	case n == 0:
		m.Op = OpEquals
	case n == 1 && kind(0) == Literal:
		m.Op, m.Text = OpEquals, parts[0].Text
	case n == 2 && kind(0) == Literal && kind(1) == Many:
		m.Op, m.Text = OpStartsWith, parts[0].Text
	case n == 2 && kind(0) == Many && kind(1) == Literal:
		m.Op, m.Text = OpEndsWith, parts[1].Text
	case n == 3 && kind(0) == Many && kind(1) == Literal && kind(2) == Many:
		m.Op, m.Text = OpContains, parts[1].Text
	default:
		m.Op, m.Glob = OpGlob, parts
	}
	return m
}

// tidy gives the one canonical form: literals joined, no empty ones, and
// within a run of wildcards every One before a single Many.
func tidy(parts []GlobPart) []GlobPart {
	var out []GlobPart
	many := false
	flushMany := func() {
		if many {
			out = append(out, GlobPart{Kind: Many})
			many = false
		}
	}
	for _, p := range parts {
		switch {
		case p.Kind == Many:
			many = true
		case p.Kind == One:
			out = append(out, p)
		case p.Text != "":
			flushMany()
			if n := len(out); n > 0 && out[n-1].Kind == Literal {
				out[n-1].Text += p.Text
			} else {
				out = append(out, p)
			}
		}
	}
	flushMany()
	return out
}

// fitsGlob tells whether s as a whole fits the pattern. A One takes one UTF-8
// character, or one byte where there is none. It goes back only to the last
// Many, so it takes at most len(s) × len(pattern) steps.
func fitsGlob(glob []GlobPart, s []byte) bool {
	at, next := 0, 0
	retryPart, retryAt := -1, 0
	for {
		if next == len(glob) && at == len(s) {
			return true
		}
		if next < len(glob) {
			switch p := glob[next]; p.Kind {
			case Many:
				retryPart, retryAt = next, at
				next++
				continue
			case One:
				if at < len(s) {
					_, n := utf8.DecodeRune(s[at:])
					at += n
					next++
					continue
				}
			case Literal:
				if bytes.HasPrefix(s[at:], []byte(p.Text)) {
					at += len(p.Text)
					next++
					continue
				}
			}
		}
		if retryPart < 0 || retryAt >= len(s) {
			return false
		}
		retryAt++
		at, next = retryAt, retryPart+1
	}
}
