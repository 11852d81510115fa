package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"borj.dev/borj/watch/sigma"
)

// joinedFields is Borj's own. It is for a field that the records hold in two,
// such as a registry value's full name as its key and its own name: what a rule
// asks of the whole is asked of the parts, at every place where the whole may
// be cut. With separator \, *\Run\a* becomes: the key like *\Run and the name
// like a*, or the key like *\Run\a*, or the name like *\Run\a*.
func joinedFields(m *mapping) (transformation, error) {
	field := m.required("field")
	parts := m.texts("fields")
	separator := m.required("separator")
	if m.err == nil && (len(parts) != 2 || len(separator) != 1 || strings.ContainsAny(separator, "*?")) {
		m.fail(m.at.errorf("joined_fields: two fields and a separator of one character are wanted"))
	}
	return func(r *run, it *item) error {
		return r.eachItem(it, func(d *sigma.Item) (sigma.Node, error) {
			if d.Field != field {
				return d, nil
			}
			var values []sigma.Node
			for _, v := range shown(d) {
				if !isText(d, v) || slices.Contains(d.Modifiers, "windash") || slices.Contains(d.Modifiers, "neq") {
					return nil, fmt.Errorf("joined_fields: %s is asked for by %s, which cannot be asked of its parts", field, strings.Join(d.Modifiers, "|"))
				}
				n, err := cut(r, d, v.Text, parts, separator[0])
				if err != nil {
					return nil, err
				}
				values = append(values, n)
			}
			if slices.Contains(d.Modifiers, "all") {
				return sigma.AllOf(values), nil
			}
			return sigma.AnyOf(values), nil
		})
	}, nil
}

// cut returns the alternatives of one value.
func cut(r *run, d *sigma.Item, text string, parts []string, separator byte) (sigma.Node, error) {
	var any sigma.AnyOf
	part := func(name, text string) *sigma.Item {
		one := &sigma.Item{Field: name, Line: d.Line, Values: []sigma.Value{{Text: text}}}
		if slices.Contains(d.Modifiers, "cased") {
			one.Modifiers = []string{"cased"}
		}
		return one
	}
	alternative := func(left, right string) error {
		if err := r.spend(2); err != nil {
			return err
		}
		any = append(any, sigma.AllOf{part(parts[0], left), part(parts[1], right)})
		return nil
	}
	for _, p := range patternParts(text) {
		var err error
		before, after := text[:p.start], text[p.end:]
		switch {
		case p.kind == '*':
			err = alternative(before+"*", "*"+after)
		case p.kind == '?' || p.char == separator:
			err = alternative(before, after)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(any) == 0 {
		// Without a place to cut, no whole is like it: a name that no record has.
		return part(parts[0]+" and "+parts[1], text), nil
	}
	return any, nil
}

// patternPart is one character of a value: a wildcard, or text, escaped or not.
type patternPart struct {
	start, end int
	kind       byte // '*', '?', or 0 for text
	char       byte
}

func patternParts(s string) []patternPart {
	var list []patternPart
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '*' || c == '?':
			list = append(list, patternPart{i, i + 1, c, c})
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`\*?`, s[i+1]) >= 0:
			list = append(list, patternPart{i, i + 2, 0, s[i+1]})
			i++
		default:
			list = append(list, patternPart{i, i + 1, 0, c})
		}
	}
	return list
}
