package observable

import "bytes"

// defaultPorts are dropped from URLs of their scheme.
var defaultPorts = map[string]string{"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}

// url returns the canonical form of a URL with an authority (RFC 3986 §6.2).
func url(v, buf []byte) (value, grown []byte, err error) {
	scheme := []byte("http")
	rest := v
	if i := bytes.Index(v, []byte("://")); i >= 0 && isScheme(v[:i]) {
		scheme, rest = v[:i], v[i+3:]
	} else {
		rest = bytes.TrimPrefix(rest, []byte("//"))
	}
	end := 0
	for end < len(rest) && rest[end] != '/' && rest[end] != '?' && rest[end] != '#' && rest[end] != '\\' {
		end++
	}
	authority, path := rest[:end], rest[end:]
	if i := bytes.IndexByte(path, '#'); i >= 0 {
		path = path[:i]
	}

	start := len(buf)
	low, buf := lower(scheme, buf)
	if len(buf) == start {
		buf = append(buf, low...)
	}
	schemeEnd := len(buf)
	buf = append(buf, "://"...)
	if buf, err = appendAuthority(buf, authority, defaultPorts[string(buf[start:schemeEnd])]); err != nil {
		return nil, buf[:start], err
	}
	if len(path) == 0 || path[0] != '/' {
		buf = append(buf, '/')
		path = bytes.TrimPrefix(path, []byte(`\`))
	}
	buf = appendEscaped(buf, path)
	if len(buf)-start > MaxLength {
		return nil, buf[:start], errLong
	}
	return buf[start:], buf, nil
}

func isScheme(s []byte) bool {
	for i, c := range s {
		if !isAlnum(c) && (i == 0 || c != '+' && c != '-' && c != '.') || i == 0 && c <= '9' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 32
}

// appendAuthority writes user information, host and port.
func appendAuthority(buf, authority []byte, defaultPort string) ([]byte, error) {
	name := authority
	if i := bytes.LastIndexByte(authority, '@'); i >= 0 {
		buf = appendEscaped(buf, authority[:i+1])
		name = authority[i+1:]
	}
	number := []byte(nil)
	if i := bytes.LastIndexByte(name, ':'); i >= 0 && bytes.IndexByte(name[i:], ']') < 0 {
		p, _, err := port(name[i+1:], nil)
		if err != nil {
			return buf, errURL
		}
		name, number = name[:i], p
	}
	n := len(buf)
	kind, value, buf, err := host(name, buf)
	if err != nil {
		return buf[:n], errURL
	}
	if len(buf) == n || &buf[n] != &value[0] { // it was canonical, or a part of what was
		buf = append(buf[:n], value...)
	}
	if kind == IPv6 {
		buf = append(buf, "[]"...)
		copy(buf[n+1:], buf[n:len(buf)-2])
		buf[n], buf[len(buf)-1] = '[', ']'
	}
	if len(number) > 0 && string(number) != defaultPort {
		buf = append(append(buf, ':'), number...)
	}
	return buf, nil
}

const upperHex = "0123456789ABCDEF"

// urlPlain tells which bytes stand in a URL as they are.
var urlPlain = func() (t [256]bool) {
	for c := range t {
		t[c] = c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '%'
	}
	return t
}()

// appendEscaped writes s with its percent escapes in upper case, and escapes
// what may not stand in a URL. It decodes nothing.
func appendEscaped(buf, s []byte) []byte {
	for {
		n := 0
		for n < len(s) && urlPlain[s[n]] {
			n++
		}
		buf = append(buf, s[:n]...)
		if n == len(s) {
			return buf
		}
		c := s[n]
		s = s[n+1:]
		switch {
		case c != '%':
			buf = append(buf, '%', upperHex[c>>4], upperHex[c&15])
		case len(s) >= 2 && hexDigit(s[0]) >= 0 && hexDigit(s[1]) >= 0:
			buf = append(buf, '%', upperHex[hexDigit(s[0])], upperHex[hexDigit(s[1])])
			s = s[2:]
		default:
			buf = append(buf, c)
		}
	}
}

// appendJoined writes the canonical URL of a request: its Host header and its
// target, which begins with a slash.
func appendJoined(buf, name, target []byte) ([]byte, error) {
	if i := bytes.IndexByte(target, '#'); i >= 0 {
		target = target[:i]
	}
	buf, err := appendAuthority(append(buf, "http://"...), name, "80")
	if err != nil {
		return buf, err
	}
	return appendEscaped(buf, target), nil
}

// urlHost returns the host of a canonical URL.
func urlHost(u []byte) []byte {
	i := bytes.Index(u, []byte("://"))
	if i < 0 {
		return nil
	}
	u = u[i+3:]
	if i := bytes.IndexByte(u, '/'); i >= 0 {
		u = u[:i]
	}
	return u
}
