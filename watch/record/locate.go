package record

import "strconv"

// Locate returns the record's own dotted path of f with its array indexes,
// such as dns.query[0].rrname. It reads the record again up to f, so it is for
// hits, not for every record.
func (r *Record) Locate(f *Field) string {
	if len(r.Raw) == 0 || r.columns != nil || r.Format == FormatAudit && r.Raw[0] != '{' {
		return r.paths.Path(f.Path)
	}
	s := r.Raw
	type frame struct {
		prefix string
		index  int // -1 in an object
	}
	stack := []frame{}
	path := ""
	open := func(array bool) {
		fr := frame{path, -1}
		if array {
			fr.index = 0
			path = fr.prefix + "[0]"
		}
		stack = append(stack, fr)
	}
	key := true // in an object, the next string is a key
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case '{', '[':
			open(c == '[')
			key = c == '{'
			i++
		case '}', ']':
			if uint32(i) == f.Start && f.Kind == Empty && f.Start == f.End {
				return stack[len(stack)-1].prefix
			}
			stack = stack[:len(stack)-1]
			if len(stack) == 0 {
				return r.paths.Path(f.Path)
			}
			key = false
			i++
		case ',':
			if top := &stack[len(stack)-1]; top.index >= 0 {
				top.index++
				path = top.prefix + "[" + strconv.Itoa(top.index) + "]"
				key = false
			} else {
				key = true
			}
			i++
		case '"':
			end, esc, err := stringEnd(s, i+1)
			if err != nil {
				return r.paths.Path(f.Path)
			}
			if key {
				k := s[i+1 : end]
				if esc {
					k = appendDecoded(nil, k, Escaped)
				}
				path = string(k)
				if p := stack[len(stack)-1].prefix; p != "" {
					path = p + "." + path
				}
				key = false
			} else if uint32(i+1) == f.Start {
				return path
			}
			i = end + 1
		case ' ', '\n', '\t', '\r', ':':
			i++
		default:
			if uint32(i) == f.Start {
				return path
			}
			i++
		}
	}
	return r.paths.Path(f.Path)
}
