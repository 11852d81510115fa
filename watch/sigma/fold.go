package sigma

import (
	"unicode"
	"unicode/utf8"
)

// Fold appends s to dst with its case folded, and returns the result: what
// Sigma's "values are case insensitive" means here, for both evaluators.
//
// ASCII letters become lower case. Bytes from 0x80 are read as UTF-8 and their
// runes lowered, unless that would give an ASCII letter (the Kelvin sign stays
// itself), so text without non-ASCII bytes never equals text with some. Bytes
// that are no UTF-8 stay as they are. Fold(Fold(s)) equals Fold(s).
func Fold(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		if low := unicode.ToLower(r); n > 1 && low >= utf8.RuneSelf {
			dst = utf8.AppendRune(dst, low)
		} else {
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return dst
}

func foldString(s string) string { return string(Fold(nil, []byte(s))) }
