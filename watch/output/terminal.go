package output

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"borj.dev/borj/watch/sigma"
)

// Colours, as SGR parameters (ECMA-48 §8.3.117).
const (
	dim    = "2"
	bold   = "1"
	red    = "31"
	yellow = "33"
	cyan   = "36"
	alarm  = "1;97;41" // bold white on red
)

// levelColour is by level, informational first.
var levelColour = [...]string{dim, cyan, yellow, red, alarm}

// paint returns s in a colour, when colours are wanted.
func (o Options) paint(s, colour string) string {
	if !o.Colour || s == "" {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// levelName is the level in at most eight columns.
func levelName(l sigma.Level) string {
	if l == sigma.Informational {
		return "info"
	}
	return l.String()
}

// Harmless returns s fit for a terminal: control characters, escape sequences,
// bidirectional overrides and whatever else cannot be seen are written as \xNN
// or \uNNNN, and so is what is not UTF-8. A record cannot recolour, overwrite
// or reverse a line with it.
func Harmless(s string) string {
	if isPlain(s) {
		return s
	}
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1, r < 0x20, r == 0x7f:
			c := s[i]
			b.WriteString(`\x`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		case unicode.IsPrint(r):
			b.WriteString(s[i : i+n])
		default:
			b.WriteString(`\u`)
			digits := 4
			if r > 0xffff {
				b.WriteByte('{')
				digits = 6
			}
			for d := digits - 1; d >= 0; d-- {
				b.WriteByte(hex[r>>(4*d)&15])
			}
			if r > 0xffff {
				b.WriteByte('}')
			}
		}
		i += n
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// columns returns how many columns s takes on a terminal.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// fit returns s cut to at most n columns, the cut marked by an ellipsis.
func fit(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	used := 0
	for i, r := range s {
		w := runeColumns(r)
		if used+w > n-1 {
			if n < 1 {
				return ""
			}
			return s[:i] + "…"
		}
		used += w
	}
	return s
}

// pad returns s followed by spaces to n columns.
func pad(s string, n int) string {
	if missing := n - columns(s); missing > 0 {
		return s + strings.Repeat(" ", missing)
	}
	return s
}
