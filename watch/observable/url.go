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
	end := len(rest)
	if i := bytes.IndexAny(rest, "/?#\\"); i >= 0 {
		end = i
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

// appendEscaped writes s with its percent escapes in upper case, and escapes
// what may not stand in a URL. It decodes nothing.
func appendEscaped(buf, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			buf = append(buf, '%', upperHex[hexDigit(s[i+1])], upperHex[hexDigit(s[i+2])])
			i += 2
		case c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>':
			buf = append(buf, '%', upperHex[c>>4], upperHex[c&15])
		default:
			buf = append(buf, c)
		}
	}
	return buf
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
