package sigma

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader walks YAML nodes, remembers the first thing that is wrong, and counts
// the nodes it meets so that aliases cannot multiply them without bound.
type reader struct {
	budget *int
	err    error
	line   int
}

var errParts = fmt.Errorf("the file has more than %d parts once aliases and actions are followed; split it", maxNodes)

func (r *reader) fail(line int, format string, args ...any) {
	if r.err == nil {
		r.err, r.line = fmt.Errorf(format, args...), line
	}
}

// follow returns what an alias stands for.
func (r *reader) follow(n *yaml.Node) *yaml.Node {
	if *r.budget--; *r.budget < 0 {
		r.fail(n.Line, "%s", errParts)
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// entry is one key of a map. line is 0 for a key that is absent.
type entry struct {
	key   string
	value *yaml.Node
	line  int
}

// mapping is a map's entries in the order written, those that << brings last.
type mapping struct {
	list  []entry
	index map[string]int
}

func (m mapping) get(key string) (entry, bool) {
	i, ok := m.index[key]
	if !ok {
		return entry{}, false
	}
	return m.list[i], true
}

func (m mapping) has(key string) bool { _, ok := m.index[key]; return ok }

func (m mapping) line(key string) int { e, _ := m.get(key); return e.line }

func (m *mapping) add(key *yaml.Node, value *yaml.Node) {
	m.index[key.Value] = len(m.list)
	m.list = append(m.list, entry{key.Value, value, key.Line})
}

// mapping reads the entries of a map. Keys of maps that << names stand below
// its own.
func (r *reader) mapping(n *yaml.Node, what string) mapping {
	n = r.follow(n)
	m := mapping{index: make(map[string]int, len(n.Content)/2)}
	if n.Kind != yaml.MappingNode {
		r.fail(n.Line, "%s must be a map (name: value)", what)
		return m
	}
	for i := 0; i+1 < len(n.Content) && r.err == nil; i += 2 {
		if n.Content[i].Tag == "!!merge" {
			continue
		}
		key := r.follow(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			r.fail(key.Line, "%s: a key must be text", what)
		} else if old, ok := m.get(key.Value); ok {
			r.fail(key.Line, "%s: the key %q stands here and in line %d; the second would hide the first", what, key.Value, old.line)
		} else {
			m.add(key, n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content) && r.err == nil; i += 2 {
		if n.Content[i].Tag == "!!merge" {
			r.merge(&m, n.Content[i+1], what, 0)
		}
	}
	return m
}

// maxMergeDepth bounds how far << leads to maps with << in them.
const maxMergeDepth = 8

func (r *reader) merge(m *mapping, n *yaml.Node, what string, depth int) {
	n = r.follow(n)
	switch {
	case r.err != nil:
	case n.Kind == yaml.MappingNode && depth < maxMergeDepth:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := r.follow(n.Content[i])
			if key.Tag == "!!merge" {
				r.merge(m, n.Content[i+1], what, depth+1)
			} else if key.Kind == yaml.ScalarNode && !m.has(key.Value) {
				m.add(key, n.Content[i+1])
			}
		}
	case n.Kind == yaml.SequenceNode && depth < maxMergeDepth:
		for _, part := range n.Content {
			r.merge(m, part, what, depth+1)
		}
	default:
		r.fail(n.Line, "%s: << must name a map", what)
	}
}

// scalar returns the text of an attribute, "" when it is absent or null.
func (r *reader) scalar(m mapping, key string) string {
	e, ok := m.get(key)
	if !ok {
		return ""
	}
	n := r.follow(e.value)
	if n.Kind != yaml.ScalarNode {
		r.fail(e.line, "%s must be a single text", key)
		return ""
	}
	if n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// anything is scalar for attributes that some authors write as a list.
func (r *reader) anything(m mapping, key string) string {
	return strings.Join(r.strings(m, key), ", ")
}

// strings returns the texts of an attribute that is one text or a list.
func (r *reader) strings(m mapping, key string) []string {
	e, ok := m.get(key)
	if !ok {
		return nil
	}
	n := r.follow(e.value)
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return nil
		}
		return []string{n.Value}
	case yaml.SequenceNode:
		var out []string
		for _, part := range n.Content {
			if part = r.follow(part); part.Kind != yaml.ScalarNode {
				r.fail(part.Line, "%s must be a list of texts", key)
				return nil
			}
			out = append(out, part.Value)
		}
		return out
	}
	r.fail(e.line, "%s must be a text or a list of texts", key)
	return nil
}

// value reads a scalar of a selection.
func (r *reader) value(n *yaml.Node) Value {
	switch n.ShortTag() {
	case "!!int", "!!float":
		return Value{NumberValue, decimal(n.Value)}
	case "!!bool":
		return Value{BoolValue, strings.ToLower(n.Value)}
	case "!!null":
		return Value{Kind: NullValue}
	}
	return Value{StringValue, n.Value}
}

// decimal writes a number as records do. Most already are written so.
func decimal(s string) string {
	plain := len(s) > 0
	for i := range len(s) {
		c := s[i]
		plain = plain && (c >= '0' && c <= '9' && !(c == '0' && i == 0 && len(s) > 1 && s[1] != '.') || c == '.' && i > 0 || c == '-' && i == 0 && len(s) > 1)
	}
	if plain {
		return s
	}
	clean := strings.ReplaceAll(s, "_", "")
	if n, err := strconv.ParseInt(clean, 0, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	if n, err := strconv.ParseUint(clean, 0, 64); err == nil {
		return strconv.FormatUint(n, 10)
	}
	if x, err := strconv.ParseFloat(clean, 64); err == nil {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return s
}
