package record

import "strconv"

// Locate returns the record's own dotted path of f with its array indexes,
// such as dns.query[0].rrname. It reads the record again up to f, so it is for
// hits, not for every record.
func (r *Record) Locate(f *Field) string {
	if !r.isJSON() {
		return r.NamesOf(f)[0]
	}
	found := ""
	walkPaths(r.Raw, true, func(start uint32, path []byte) bool {
		if start == f.Start {
			found = string(path)
		}
		return start < f.Start
	})
	return found
}

// beyondTable returns, by Field.Start, the names of the fields of a JSON record
// that the path table had no room for. A field whose path is too long to be
// named by anybody has one empty name.
func (r *Record) beyondTable() map[uint32][]string {
	names := map[uint32][]string{}
	if !r.isJSON() {
		return names
	}
	next := 0
	walkPaths(r.Raw, false, func(start uint32, path []byte) bool {
		for next < len(r.Fields) && (r.Fields[next].Path != Overflow || r.Fields[next].Start < start) {
			next++
		}
		if next == len(r.Fields) {
			return false
		}
		if r.Fields[next].Start == start {
			if len(path) > maxPathText {
				path = nil
			}
			names[start] = namesOf(string(path))
		}
		return true
	})
	return names
}

// walkPaths calls visit with each value of a JSON object that Flatten accepted
// and its dotted path, with array indexes or without, until visit returns
// false. start is what Field.Start would be; path is valid during the call.
// Objects and arrays are visited too.
func walkPaths(s []byte, indexes bool, visit func(start uint32, path []byte) bool) {
	type frame struct {
		prefix int // bytes of path that belong to the container
		index  int // of the element, -1 in an object
	}
	var stack []frame
	var path []byte
	key := false // the next string is a key
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case ' ', '\n', '\t', '\r', ':':
			i++
			continue
		case '}', ']':
			stack = stack[:len(stack)-1]
			if len(stack) == 0 {
				return
			}
			key = false
			i++
			continue
		case ',':
			top := &stack[len(stack)-1]
			path, key = path[:top.prefix], top.index < 0
			if top.index >= 0 {
				top.index++
			}
			i++
			continue
		case '"':
			if !key {
				break
			}
			end, esc, err := stringEnd(s, i+1)
			if err != nil {
				return
			}
			if len(stack) > 1 {
				path = append(path, '.')
			}
			kind := Text
			if esc {
				kind = Escaped
			}
			path, key = appendDecoded(path, s[i+1:end], kind), false
			i = end + 1
			continue
		}
		// A value begins here.
		if n := len(stack); n > 0 && stack[n-1].index >= 0 && indexes {
			path = append(path, '[')
			path = strconv.AppendInt(path, int64(stack[n-1].index), 10)
			path = append(path, ']')
		}
		start := i
		switch s[i] {
		case '{', '[':
			fr := frame{len(path), -1}
			if s[i] == '[' {
				fr.index = 0
			}
			stack = append(stack, fr)
			key = s[i] == '{'
			i++
		case '"':
			end, _, err := stringEnd(s, i+1)
			if err != nil {
				return
			}
			start, i = i+1, end+1
		default:
			i, _ = scalarEnd(s, i)
			if i == start {
				return
			}
		}
		if !visit(uint32(start), path) {
			return
		}
	}
}
