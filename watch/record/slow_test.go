package record

import (
	"errors"
	"fmt"
	"strings"
)

// slowParser is the reader that Flatten is judged by: recursive, a byte at a
// time, nothing remembered. It accepts what docs/records-json.md says that
// Borj accepts.
type slowParser struct {
	s     []byte
	i     int
	limit Limits
	depth int
	count int
	visit func(path string, start int, kind Kind) // path with indexes; start as in Field
}

var errSlow = errors.New("refused")

func (p *slowParser) object() error {
	p.space()
	if p.peek() != '{' {
		return errSlow
	}
	if err := p.value("", true); err != nil {
		return err
	}
	if p.space(); p.i != len(p.s) {
		return errSlow
	}
	return nil
}

func (p *slowParser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *slowParser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *slowParser) value(path string, top bool) error {
	start := p.i
	switch p.peek() {
	case '{', '[':
		empty, err := p.container(path, top)
		if err != nil {
			return err
		}
		if empty && !top {
			return p.leaf(path, start, Empty)
		}
		return nil
	case '"':
		text, err := p.text()
		if err != nil {
			return err
		}
		kind := Text
		if strings.IndexByte(text, '\\') >= 0 {
			kind = Escaped
		}
		return p.leaf(path, start+1, kind)
	}
	for word, kind := range map[string]Kind{"true": True, "false": False, "null": Null} {
		if strings.HasPrefix(string(p.s[p.i:min(len(p.s), p.i+5)]), word) {
			p.i += len(word)
			return p.leaf(path, start, kind)
		}
	}
	for p.i < len(p.s) && strings.IndexByte("0123456789+-.eE", p.s[p.i]) >= 0 {
		p.i++
	}
	if !strings.ContainsAny(string(p.s[start:p.i]), "0123456789") || strings.IndexByte("eE", p.s[start]) >= 0 {
		return errSlow
	}
	return p.leaf(path, start, Number)
}

func (p *slowParser) leaf(path string, start int, kind Kind) error {
	if p.count++; p.limit.Fields > 0 && p.count > p.limit.Fields {
		return ErrFields
	}
	p.visit(path, start, kind)
	return nil
}

func (p *slowParser) container(path string, top bool) (empty bool, err error) {
	array := p.peek() == '['
	closer := byte('}')
	if array {
		closer = ']'
	}
	p.i++
	p.depth++
	defer func() { p.depth-- }()
	if p.limit.Depth > 0 && p.depth > p.limit.Depth {
		return false, ErrDepth
	}
	for n := 0; ; n++ {
		p.space()
		if p.peek() == closer {
			p.i++
			return n == 0, nil
		}
		if n > 0 {
			if p.peek() != ',' {
				return false, errSlow
			}
			p.i++
			p.space()
		}
		child := fmt.Sprintf("%s[%d]", path, n)
		if !array {
			if p.peek() != '"' {
				return false, errSlow
			}
			key, err := p.text()
			if err != nil {
				return false, err
			}
			child = path + "." + string(appendDecoded(nil, []byte(key), Escaped))
			if top {
				child = child[1:]
			}
			if p.space(); p.peek() != ':' {
				return false, errSlow
			}
			p.i++
			p.space()
		}
		if p.i >= len(p.s) {
			return false, errSlow
		}
		if err := p.value(child, false); err != nil {
			return false, err
		}
	}
}

// text reads a string and returns what stands between its quotes.
func (p *slowParser) text() (string, error) {
	p.i++
	start := p.i
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case '"':
			p.i++
			return string(p.s[start : p.i-1]), nil
		case '\\':
			p.i++
			switch e := p.peek(); {
			case p.i < len(p.s) && strings.IndexByte(`"\/bfnrt`, e) >= 0:
				p.i++
			case e == 'u':
				var r rune
				if n, _ := fmt.Sscanf(string(p.s[p.i+1:min(len(p.s), p.i+5)]), "%04x", &r); n != 1 || p.i+5 > len(p.s) || !isHex(p.s[p.i+1:p.i+5]) {
					return "", errSlow
				}
				p.i += 5
			default:
				return "", errSlow
			}
		default:
			p.i++
		}
	}
	return "", errSlow
}

func isHex(s []byte) bool {
	return strings.Trim(string(s), "0123456789abcdefABCDEF") == ""
}
