package pattern

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokKeyword
	tokSymbol   // brackets, comma, colon, dot, asterisk
	tokOperator // = != < <= > >=
	tokConstant
)

// token is one word of a pattern. text is as written, or the keyword.
type token struct {
	kind   tokenKind
	offset int
	text   string
	op     Operator
	value  Constant
}

func (t token) String() string {
	if t.kind == tokEnd {
		return "the end of the pattern"
	}
	if len(t.text) > 40 {
		return strconv.Quote(strings.ToValidUTF8(t.text[:40], "�")) + "…"
	}
	return strconv.Quote(t.text)
}

var keywords = map[string]Operator{
	"AND": And, "OR": Or, "FOLLOWEDBY": FollowedBy, "IN": In, "LIKE": Like, "MATCHES": Matches,
	"ISSUBSET": IsSubset, "ISSUPERSET": IsSuperset, "EXISTS": Exists,
	"NOT": 0, "LAST": 0, "START": 0, "STOP": 0, "SECONDS": 0, "WITHIN": 0, "REPEATS": 0, "TIMES": 0,
	"true": 0, "false": 0,
}

type lexer struct {
	text string
	at   int
}

// next reads one token. White space and comments stand between tokens.
func (l *lexer) next() (token, error) {
	if err := l.skip(); err != nil {
		return token{}, err
	}
	start := l.at
	if start >= len(l.text) {
		return token{kind: tokEnd, offset: start}, nil
	}
	c := l.text[start]
	switch {
	case c == '\'':
		s, err := l.quoted()
		return l.constant(start, Constant{Kind: String, Text: s}), err
	case (c == 't' || c == 'b' || c == 'h') && start+1 < len(l.text) && l.text[start+1] == '\'':
		return l.prefixed(c)
	case isNameStart(c):
		for l.at < len(l.text) && isNamePart(l.text[l.at]) {
			l.at++
		}
		return l.name(start), nil
	case c >= '0' && c <= '9', c == '+', c == '-', c == '.' && start+1 < len(l.text) && isDigit(l.text[start+1]):
		return l.number()
	case strings.IndexByte("[]():,.*", c) >= 0:
		l.at++
		return token{kind: tokSymbol, offset: start, text: l.text[start:l.at]}, nil
	}
	for _, o := range [...]struct {
		text string
		op   Operator
	}{{"==", Equal}, {"=", Equal}, {"!=", NotEqual}, {"<>", NotEqual}, {"<=", LessOrEqual}, {"<", Less}, {">=", GreaterOrEqual}, {">", Greater}} {
		if strings.HasPrefix(l.text[start:], o.text) {
			l.at += len(o.text)
			return token{kind: tokOperator, offset: start, text: o.text, op: o.op}, nil
		}
	}
	_, size := utf8.DecodeRuneInString(l.text[start:])
	return token{}, &Error{start, fmt.Sprintf("%q means nothing here", l.text[start:start+size])}
}

func (l *lexer) skip() error {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		switch r, size := utf8.DecodeRuneInString(rest); {
		case isSpace(r):
			l.at += size
		case strings.HasPrefix(rest, "//"):
			end := strings.IndexAny(rest, "\r\n")
			if end < 0 {
				end = len(rest)
			}
			l.at += end
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return &Error{l.at, "a comment is not closed; expected */"}
			}
			l.at += end + 4
		default:
			return nil
		}
	}
	return nil
}

// isSpace is the white space of the grammar, which is neither Unicode's nor
// Go's.
func isSpace(r rune) bool {
	switch r {
	case ' ', '\t', '\r', '\n', 0x0b, 0x0c, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000:
		return true
	}
	return r >= 0x2000 && r <= 0x200a
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}
func isNamePart(c byte) bool { return isNameStart(c) || isDigit(c) || c == '-' }

func (l *lexer) constant(start int, c Constant) token {
	return token{kind: tokConstant, offset: start, text: l.text[start:l.at], value: c}
}

func (l *lexer) name(start int) token {
	t := token{kind: tokName, offset: start, text: l.text[start:l.at]}
	op, ok := keywords[t.text]
	if !ok {
		return t
	}
	if t.text == "true" || t.text == "false" {
		t.kind, t.value = tokConstant, Constant{Kind: Boolean, Bool: t.text == "true"}
		return t
	}
	t.kind, t.op = tokKeyword, op
	return t
}

// quoted reads '…'. Only \' and \\ are escapes.
func (l *lexer) quoted() (string, error) {
	start := l.at
	var b strings.Builder
	for i := start + 1; i < len(l.text); {
		n := strings.IndexAny(l.text[i:], `'\`)
		if n < 0 {
			break
		}
		b.WriteString(l.text[i : i+n])
		i += n
		if l.text[i] == '\'' {
			l.at = i + 1
			return b.String(), nil
		}
		if i+1 >= len(l.text) {
			break
		}
		if c := l.text[i+1]; c != '\'' && c != '\\' {
			return "", &Error{i, `a backslash in a string must be followed by \ or '; write \\ for one backslash`}
		}
		b.WriteByte(l.text[i+1])
		i += 2
	}
	return "", &Error{start, "a string is not closed; expected '"}
}

// prefixed reads t'…', b'…' and h'…'.
func (l *lexer) prefixed(prefix byte) (token, error) {
	start := l.at
	end := strings.IndexByte(l.text[start+2:], '\'')
	if end < 0 {
		return token{}, &Error{start, fmt.Sprintf("%c'… is not closed; expected '", prefix)}
	}
	body := l.text[start+2 : start+2+end]
	l.at = start + 2 + end + 1
	switch prefix {
	case 't':
		if !isTimestamp(body) {
			return token{}, &Error{start, "expected a timestamp such as t'2026-01-31T23:59:59.5Z'"}
		}
		return l.constant(start, Constant{Kind: Timestamp, Text: body}), nil
	case 'h':
		b, err := hex.DecodeString(body)
		if err != nil {
			return token{}, &Error{start, "expected an even number of hexadecimal digits, such as h'0a1b'"}
		}
		return l.constant(start, Constant{Kind: Hex, Text: string(b)}), nil
	}
	b, err := base64.StdEncoding.DecodeString(body)
	if err != nil || body == "" || strings.ContainsAny(body, "\r\n") {
		return token{}, &Error{start, "expected base64 with its padding, such as b'AQIDBA=='"}
	}
	return l.constant(start, Constant{Kind: Binary, Text: string(b)}), nil
}

// isTimestamp follows the grammar, which checks each number but no calendar.
func isTimestamp(s string) bool {
	const shape = "0000-00-00T00:00:00"
	if len(s) < len(shape)+1 || s[len(s)-1] != 'Z' {
		return false
	}
	for i := range len(shape) {
		if shape[i] == '0' && !isDigit(s[i]) || shape[i] != '0' && shape[i] != s[i] {
			return false
		}
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	month, day := two(5), two(8)
	if month < 1 || month > 12 || day < 1 || day > 31 || two(11) > 23 || two(14) > 59 || two(17) > 60 {
		return false
	}
	fraction := s[len(shape) : len(s)-1]
	if fraction == "" {
		return true
	}
	digits := strings.TrimPrefix(fraction, ".")
	return digits != fraction && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// number reads integers without leading zeros and floats. No exponents.
func (l *lexer) number() (token, error) {
	start := l.at
	i := start
	if l.text[i] == '+' || l.text[i] == '-' {
		i++
	}
	digits := i
	for i < len(l.text) && isDigit(l.text[i]) {
		i++
	}
	if i+1 < len(l.text) && l.text[i] == '.' && isDigit(l.text[i+1]) {
		for i++; i < len(l.text) && isDigit(l.text[i]); i++ {
		}
		l.at = i
		f, err := strconv.ParseFloat(l.text[start:i], 64)
		if err != nil {
			return token{}, &Error{start, "the number is too large"}
		}
		return l.constant(start, Constant{Kind: Float, Flt: f}), nil
	}
	if i == digits {
		return token{}, &Error{start, fmt.Sprintf("expected a number after %q", l.text[start])}
	}
	if l.text[digits] == '0' && i > digits+1 {
		return token{}, &Error{start, "a number must not begin with 0"}
	}
	l.at = i
	n, err := strconv.ParseInt(l.text[start:i], 10, 64)
	if err != nil {
		return token{}, &Error{start, "the number is too large; integers have 64 bits"}
	}
	return l.constant(start, Constant{Kind: Integer, Int: n}), nil
}
