package sigma

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Bounds of one regular expression. Matching takes at most its program's
// length for each byte of a value.
const (
	maxRegexpBytes   = 8 << 10
	maxRegexpProgram = 5000 // instructions
)

// compileRegexp compiles a PCRE as Sigma allows them. What Go writes another
// way is rewritten where that means exactly the same; what Go cannot do is
// refused by name. cost is the number of its instructions.
func compileRegexp(src, flags string) (re *regexp.Regexp, cost int, err error) {
	if len(src) > maxRegexpBytes {
		return nil, 0, fmt.Errorf("the regular expression is %d bytes long; at most %d are compiled", len(src), maxRegexpBytes)
	}
	text, err := translateRegexp(src)
	if err != nil {
		return nil, 0, fmt.Errorf("the regular expression %q %w", shorten(src), err)
	}
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, 0, fmt.Errorf("the regular expression %q %s", shorten(src), syntaxReason(err))
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, 0, fmt.Errorf("the regular expression %q is not valid: %w", shorten(src), err)
	}
	if len(prog.Inst) > maxRegexpProgram {
		return nil, 0, fmt.Errorf("the regular expression %q is too costly: it compiles to %d steps, and at most %d are run for each byte of an event; make its repetitions smaller", shorten(src), len(prog.Inst), maxRegexpProgram)
	}
	re, err = regexp.Compile(text)
	return re, len(prog.Inst), err
}

func syntaxReason(err error) string {
	var bad *syntax.Error
	if errors.As(err, &bad) {
		switch bad.Code {
		case syntax.ErrInvalidRepeatSize, syntax.ErrLarge:
			return "is too costly: its repetitions, multiplied, exceed 1000 (" + shorten(bad.Expr) + ")"
		case syntax.ErrNestingDepth:
			return "is too costly: it nests too deeply"
		}
		return "is not valid: " + bad.Code.String() + ": " + shorten(bad.Expr)
	}
	return "is not valid: " + err.Error()
}

func shorten(s string) string {
	if len(s) <= 80 {
		return s
	}
	return strings.ToValidUTF8(s[:80], "") + "…"
}

// groups that PCRE has and Go has not.
var unknownGroups = []struct{ opens, name string }{
	{"(?=", "a lookahead"}, {"(?!", "a negative lookahead"},
	{"(?<=", "a lookbehind"}, {"(?<!", "a negative lookbehind"},
	{"(?>", "an atomic group"}, {"(?|", "a branch reset"}, {"(?(", "a condition"},
	{"(?P=", "a back reference"}, {"(?P>", "a recursion"}, {"(?&", "a recursion"}, {"(?R", "a recursion"},
	{"(*", "a verb"},
}

// What PCRE's \h and \v stand for.
const (
	horizontalSpace = `\t\x20\xa0\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}`
	verticalSpace   = `\n\x0b\f\r\x85\x{2028}\x{2029}`
)

// escapes that mean the same in other words.
var otherEscapes = map[byte]string{
	'e': `\x1b`,
	'h': `[` + horizontalSpace + `]`,
	'v': `[` + verticalSpace + `]`,
	'R': `(?:\r\n|[` + verticalSpace + `])`,
	'N': `[^\n]`,
}

// escapes that Go cannot do.
var unknownEscapes = map[byte]string{
	'G': `\G (where the last match ended)`, 'K': `\K (reset of the match's start)`,
	'Z': `\Z (before a last newline); write \z or $`, 'X': `\X (grapheme)`,
	'k': "a back reference", 'g': "a back reference",
}

func translateRegexp(src string) (string, error) {
	var out strings.Builder
	quantified := false // what stands before is a quantifier
	for i := 0; i < len(src); {
		c := src[i]
		wasQuantified := quantified
		quantified = false
		switch c {
		case '\\':
			n, err := translateEscape(&out, src[i:])
			if err != nil {
				return "", err
			}
			i += n
		case '[':
			n := translateClass(&out, src[i:])
			i += n
		case '(':
			for _, g := range unknownGroups {
				if strings.HasPrefix(src[i:], g.opens) {
					return "", fmt.Errorf("uses %s %s…), which Sigma's flavour of regular expressions does not have", g.name, g.opens)
				}
			}
			if strings.HasPrefix(src[i:], "(?#") {
				end := strings.IndexByte(src[i:], ')')
				if end < 0 {
					return "", fmt.Errorf("has a comment (?# that does not end")
				}
				i += end + 1
				continue
			}
			out.WriteByte(c)
			i++
			if i < len(src) && src[i] == '?' {
				out.WriteByte('?')
				i++
			}
		case '*', '+', '?', '{':
			n := 1
			if c == '{' {
				if n = repeatLen(src[i:]); n == 0 {
					out.WriteString(`\{`)
					i++
					continue
				}
			}
			if wasQuantified && c == '+' {
				return "", fmt.Errorf("uses a possessive quantifier %q, which Sigma's flavour of regular expressions does not have", src[i-1:i+1])
			}
			out.WriteString(src[i : i+n])
			i += n
			quantified = true
			if wasQuantified && c == '?' { // lazy
				quantified = false
			}
		default:
			out.WriteByte(c)
			i++
		}
	}
	return out.String(), nil
}

// repeatLen returns the length of {n}, {n,} or {n,m} that s begins with, or 0.
func repeatLen(s string) int {
	end := strings.IndexByte(s, '}')
	if end < 2 || s[1] == ',' {
		return 0
	}
	commas := 0
	for _, c := range s[1:end] {
		if c == ',' {
			commas++
		} else if c < '0' || c > '9' {
			return 0
		}
	}
	if commas > 1 {
		return 0
	}
	return end + 1
}

// translateEscape writes what the escape at the start of s means, and returns
// how much of s it is.
func translateEscape(out *strings.Builder, s string) (int, error) {
	if len(s) < 2 {
		return 0, fmt.Errorf(`ends in a lone \; write \\`)
	}
	c := s[1]
	if other, ok := otherEscapes[c]; ok {
		out.WriteString(other)
		return 2, nil
	}
	if what, ok := unknownEscapes[c]; ok {
		return 0, fmt.Errorf("uses %s, which Sigma's flavour of regular expressions does not have", what)
	}
	switch {
	case c >= '1' && c <= '9':
		return 0, fmt.Errorf("uses a back reference \\%c, which Sigma's flavour of regular expressions does not have", c)
	case c == 'u' && len(s) >= 6 && isHex(s[2:6]):
		out.WriteString(`\x{` + s[2:6] + `}`)
		return 6, nil
	case (c == 'p' || c == 'P' || c == 'x') && len(s) > 2 && s[2] == '{':
		end := strings.IndexByte(s, '}') + 1
		if end == 0 {
			end = len(s)
		}
		out.WriteString(s[:end])
		return end, nil
	case c == 'Q':
		end := strings.Index(s, `\E`)
		if end < 0 {
			end = len(s) - 2
		}
		out.WriteString(regexp.QuoteMeta(s[2:max(end, 2)]))
		return min(end+2, len(s)), nil
	case c >= 0x80: // an escaped character that is no ASCII is itself
		return 1, nil
	}
	out.WriteString(s[:2])
	return 2, nil
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// translateClass writes the character class at the start of s. A - beside an
// escape that stands for a set, as in [\w-.], is itself.
func translateClass(out *strings.Builder, s string) int {
	i := 1
	out.WriteByte('[')
	if i < len(s) && s[i] == '^' {
		out.WriteByte('^')
		i++
	}
	if i < len(s) && s[i] == ']' {
		out.WriteString(`\]`)
		i++
	}
	afterSet := false
	for i < len(s) {
		switch c := s[i]; {
		case c == ']':
			out.WriteByte(']')
			return i + 1
		case c == '[' && i+1 < len(s) && s[i+1] == ':':
			end := strings.Index(s[i:], ":]")
			if end < 0 {
				out.WriteString(`\[`)
				i++
				continue
			}
			out.WriteString(s[i : i+end+2])
			i += end + 2
			afterSet = true
			continue
		case c == '[':
			out.WriteString(`\[`)
			i++
		case c == '\\' && i+1 < len(s):
			i += classEscape(out, s[i:])
			afterSet = strings.IndexByte("dDwWsSpPhv", s[min(i, len(s))-1]) >= 0 && s[i-2] == '\\'
			continue
		case c == '-' && (afterSet || beforeSet(s[i+1:])):
			out.WriteString(`\-`)
			i++
		default:
			out.WriteByte(c)
			i++
		}
		afterSet = false
	}
	return i
}

// beforeSet tells whether s begins with an escape that stands for a set.
func beforeSet(s string) bool {
	return len(s) >= 2 && s[0] == '\\' && strings.IndexByte("dDwWsShv", s[1]) >= 0
}

func classEscape(out *strings.Builder, s string) int {
	switch c := s[1]; {
	case c == 'b':
		out.WriteString(`\x08`)
	case c == 'e':
		out.WriteString(`\x1b`)
	case c == 'h':
		out.WriteString(horizontalSpace)
	case c == 'v':
		out.WriteString(verticalSpace)
	case c == 'u' && len(s) >= 6 && isHex(s[2:6]):
		out.WriteString(`\x{` + s[2:6] + `}`)
		return 6
	case c >= 0x80:
		return 1
	default:
		out.WriteString(s[:2])
	}
	return 2
}
