package record

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// appendDecoded appends the value that raw stands for. A lone surrogate
// becomes U+FFFD; bytes that are no UTF-8 stay as they are.
func appendDecoded(dst, raw []byte, kind Kind) []byte {
	switch kind {
	case Escaped:
		return appendUnescaped(dst, raw)
	case CSVText:
		for i := 0; i < len(raw); i++ {
			dst = append(dst, raw[i])
			if raw[i] == '"' && i+1 < len(raw) && raw[i+1] == '"' {
				i++
			}
		}
		return dst
	case ZeekText:
		for i := 0; i < len(raw); i++ {
			if raw[i] == '\\' && i+3 < len(raw) && raw[i+1] == 'x' && hexValue(raw[i+2]) >= 0 && hexValue(raw[i+3]) >= 0 {
				dst = append(dst, byte(hexValue(raw[i+2])<<4|hexValue(raw[i+3])))
				i += 3
				continue
			}
			if raw[i] == '\\' && i+1 < len(raw) && raw[i+1] == '\\' {
				i++
			}
			dst = append(dst, raw[i])
		}
		return dst
	case HexText:
		for i := 0; i+1 < len(raw); i += 2 {
			c := byte(hexValue(raw[i])<<4 | hexValue(raw[i+1]))
			if c == 0 {
				c = ' ' // what parts the words of a process title
			}
			dst = append(dst, c)
		}
		return dst
	}
	return append(dst, raw...)
}

// appendUnescaped decodes the JSON escapes of raw, which stringEnd has checked.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			end := bytes.IndexByte(raw[i:], '\\')
			if end < 0 {
				return append(dst, raw[i:]...)
			}
			dst = append(dst, raw[i:i+end]...)
			i += end
			continue
		}
		c = raw[i+1]
		i += 2
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(raw[i:])
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(utf8.RuneError)
				if i+6 <= len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					low = hex4(raw[i+2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func hex4(s []byte) rune {
	return rune(hexValue(s[0])<<12 | hexValue(s[1])<<8 | hexValue(s[2])<<4 | hexValue(s[3]))
}
