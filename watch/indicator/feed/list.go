package feed

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"borj.dev/borj/format/jsonstream"
	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
)

// hopeless is after how many lines a file is given up of which none could be
// read: it is no list.
const hopeless = 1000

var errHopeless = fmt.Errorf("none of the first %d lines is an indicator; is it a list?", hopeless)

// lines calls each with every line, without its end. A line longer than maxLine
// is given as long, with its first bytes.
func lines(in *bufio.Reader, each func(n int64, line []byte, long bool) error) error {
	for n := int64(1); ; n++ {
		line, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if len(line) > 0 {
			if err := each(n, bytes.TrimRight(line, "\r\n"), long); err != nil {
				return err
			}
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// list reads a plain list: one value a line, in its first column.
func (r *reader) list(in *bufio.Reader) error {
	return lines(in, func(n int64, line []byte, long bool) error {
		if long {
			r.entry()
			r.fail(n, string(line[:80]), fmt.Sprintf("the line is longer than %d bytes", maxLine))
			return nil
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 || isComment(line) {
			return nil
		}
		r.listLine(n, line)
		if r.now.Failed >= hopeless && r.now.Loaded+r.now.Skipped == 0 {
			return errHopeless
		}
		return nil
	})
}

// isComment recognises the comments of lists, hosts files, registry files and
// filter lists.
func isComment(line []byte) bool {
	switch line[0] {
	case '#', ';', '!':
		return true
	case '/':
		return len(line) > 1 && line[1] == '/'
	case '[':
		return bytes.HasPrefix(line, []byte("[Adblock"))
	}
	return false
}

func (r *reader) listLine(n int64, line []byte) {
	column, rest := firstColumn(line)
	if isSink(column) && len(rest) > 0 && rest[0] <= ' ' && r.hosts(n, rest) {
		return
	}
	if kind, ok := r.fast(column); ok {
		r.plain(n, indicator.Term{Kind: kind, Value: string(column)})
		return
	}
	alternatives, err := free(string(column))
	switch {
	case err != nil:
		r.entry()
		r.fail(n, string(line), err.Error())
	case alternatives == nil:
		r.skip("exceptions of filter lists")
	default:
		if r.opt.Subdomains {
			withSubdomains(alternatives)
		}
		r.load(n, string(column), r.base(), alternatives)
	}
}

// firstColumn cuts a line at the first separator that its kind of value cannot
// hold: URLs have commas in them, and registry keys have blanks too.
func firstColumn(line []byte) (column, rest []byte) {
	i := bytes.IndexAny(line, " \t,;")
	if i >= 0 && isRegistryKey(line) {
		i = bytes.IndexByte(line, '\t')
	} else if i >= 0 && bytes.Contains(line[:i], []byte("://")) {
		i = bytes.IndexAny(line, " \t")
	}
	if i < 0 {
		i = len(line)
	}
	return bytes.Trim(line[:i], `"'`), line[i:]
}

func isRegistryKey(v []byte) bool {
	return len(v) > 4 && (v[0]|0x20 == 'h') && (v[1]|0x20 == 'k') && bytes.IndexByte(v, '\\') > 0
}

// plain loads a single term.
func (r *reader) plain(n int64, t indicator.Term) {
	if r.opt.Subdomains && t.Kind == observable.Domain {
		t.Match = indicator.Subdomains
	}
	r.in = indicator.Indicator{Term: t, Source: r.source, Confidence: -1}
	if err := r.add(&r.in); err != nil {
		r.entry()
		r.fail(n, t.Value, err.Error())
		return
	}
	r.loaded()
}

func (r *reader) base() *indicator.Indicator {
	return &indicator.Indicator{Source: r.source, Confidence: -1}
}

// isSink recognises the addresses that hosts files send names to.
func isSink(column []byte) bool {
	switch string(column) {
	case "0.0.0.0", "127.0.0.1", "::", "::1":
		return true
	}
	return false
}

// hosts reads the names of a line of a hosts file. It returns false when they
// are no names, and the address itself is what the list is about.
func (r *reader) hosts(n int64, rest []byte) bool {
	if i := bytes.IndexByte(rest, '#'); i >= 0 {
		rest = rest[:i]
	}
	names := bytes.Fields(rest)
	if len(names) == 0 {
		return false
	}
	for i, name := range names {
		kind, ok := r.fast(name)
		if !ok {
			kind, ok = observable.Recognise(string(name))
		}
		switch {
		case ok && kind == observable.Domain:
			t, err := term(kind, string(name))
			if err != nil {
				r.entry()
				r.fail(n, string(name), err.Error())
				continue
			}
			r.plain(n, t)
		case i == 0 && len(bytes.Trim(name, "0123456789")) == 0: // a count behind an address
			return false
		default:
			r.skip("names of the machine itself in hosts files")
		}
	}
	return true
}

// fast recognises addresses, hashes and names that are already in canonical
// form, which nearly all lines of large lists are. It agrees with
// observable.Recognise, and says nothing where it is not sure.
func (r *reader) fast(v []byte) (observable.Kind, bool) {
	if len(v) < 4 || len(v) > 253 {
		return 0, false
	}
	hex, dots, label, last := true, 0, 0, 0
	for i, c := range v {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
			label++
		case c >= 'g' && c <= 'z', c == '-', c == '_':
			hex = false
			label++
		case c == '.':
			if label == 0 || label > 63 {
				return 0, false
			}
			dots++
			label, last = 0, i+1
		default:
			return 0, false
		}
	}
	if dots == 0 {
		if !hex {
			return 0, false
		}
		switch len(v) {
		case 32:
			return observable.MD5, true
		case 40:
			return observable.SHA1, true
		case 64:
			return observable.SHA256, true
		case 128:
			return observable.SHA512, true
		}
		return 0, false
	}
	if dots == 3 && v[len(v)-1] <= '9' {
		_, err := netip.ParseAddr(string(v))
		return observable.IPv4, err == nil
	}
	if label == 0 || label > 63 || v[0] == 'h' && v[1] == 'x' || v[0] == 'f' && v[1] == 'x' {
		return 0, false
	}
	isTop, known := r.tops[string(v[last:])]
	if !known {
		kind, ok := observable.Recognise("a." + string(v[last:]))
		isTop = ok && kind == observable.Domain
		if len(r.tops) < 1<<14 {
			r.tops[string(v[last:])] = isTop
		}
	}
	return observable.Domain, isTop
}

var errShape = errors.New("this is no address, name, URL, hash, e-mail address or registry key")

// free reads a value by its shape alone. No alternatives and no error mean an
// exception of a filter list.
func free(text string) ([][]indicator.Term, error) {
	switch {
	case strings.HasPrefix(text, "@@"):
		return nil, nil
	case strings.HasPrefix(text, "||"):
		name, _, _ := strings.Cut(text[2:], "$") // options
		name = strings.TrimSuffix(name, "^")
		if k, ok := observable.Recognise(name); ok && k == observable.Domain {
			return one(term(k, "*."+name))
		}
		return nil, errShape
	case strings.HasPrefix(text, "*.") || strings.HasPrefix(text, "."):
		name := text[strings.IndexByte(text, '.')+1:]
		if k, ok := observable.Recognise(name); ok && k == observable.Domain {
			return one(term(k, "*."+name))
		}
		return nil, errShape
	}
	refanged := observable.Refang(text)
	kind, ok := observable.Recognise(strings.TrimSuffix(refanged, "*"))
	if !ok {
		if isRegistryKey([]byte(text)) { // with blanks in it
			return one(term(observable.RegistryKey, text))
		}
		return nil, errShape
	}
	if kind == observable.URL && !strings.Contains(refanged, "://") && !strings.Contains(refanged, "/") {
		host, _, _ := strings.Cut(refanged, ":")
		if _, err := netip.ParseAddr(host); err == nil {
			return withPort(refanged, observable.Destination)
		}
		return one(term(observable.Domain, host))
	}
	if address, bits, ok := strings.Cut(refanged, "/"); ok && kind == observable.URL && bits != "" && strings.Trim(bits, "0123456789") == "" {
		if _, err := observable.Canonical(observable.IPv6, address); err == nil { // a number is no path that anybody lists
			_, _, err := observable.CanonicalPrefix(refanged)
			return nil, err
		}
	}
	if strings.HasSuffix(refanged, "*") && kind != observable.URL {
		return nil, errShape
	}
	return one(term(kind, refanged))
}

// jsonStrings reads an array of values.
func (r *reader) jsonStrings(in io.Reader) error {
	s := jsonstream.NewReader(in, maxLine)
	n := int64(0)
	return s.Array(func() error {
		n++
		raw, err := s.Raw()
		if errors.Is(err, jsonstream.ErrLarge) {
			r.entry()
			r.fail(n, "", err.Error())
			return nil
		}
		if err != nil {
			return err
		}
		var text string
		isText := json.Unmarshal(raw, &text) == nil
		line := bytes.TrimSpace([]byte(text))
		switch {
		case !isText:
			r.entry()
			r.fail(n, string(raw), "this is no text")
		case len(line) > 0:
			r.listLine(n, line)
		}
		return nil
	})
}
