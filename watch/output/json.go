package output

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// appendString appends s as a JSON string. What is not UTF-8 becomes U+FFFD;
// what a terminal would obey instead of showing is escaped, so that JSON can be
// looked at.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0 // of what is still to be copied
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if isShown(r) && (r != utf8.RuneError || n > 1) && c >= utf8.RuneSelf {
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		switch {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case r == utf8.RuneError:
			dst = append(dst, "\uFFFD"...)
		default:
			dst = appendEscaped(dst, r)
		}
		i += n
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// isShown tells whether a terminal shows r. Controls, also those of C1, and
// what changes the direction or the form of its neighbours is obeyed.
func isShown(r rune) bool {
	if r < 0xa0 {
		return r >= 0x20 && r < 0x7f
	}
	return !unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// appendEscaped appends r as \uXXXX, or as two of them (RFC 8259 §7).
func appendEscaped(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendEscaped(appendEscaped(dst, high), low)
	}
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// appendVisible appends JSON that encoding/json wrote, which leaves unescaped
// in strings what appendString escapes.
func appendVisible(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRune(raw[i:])
		if r < 0x20 || isShown(r) { // white space between the values
			dst = append(dst, raw[i:i+n]...)
		} else {
			dst = appendEscaped(dst, r)
		}
		i += n
	}
	return dst
}
