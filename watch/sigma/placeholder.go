package sigma

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// PlaceholderError says that a rule needs values for a placeholder.
type PlaceholderError struct{ Name string }

func (e *PlaceholderError) Error() string {
	return fmt.Sprintf("the placeholder %%%s%% has no values: give a file %s.txt with one value a line", e.Name, e.Name)
}

// splitPlaceholders calls part with pieces of s: text, or the name that stands
// between percent signs. \% is a percent sign.
func splitPlaceholders(s string, part func(text, name string)) {
	var text strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && s[i+1] == '%' {
			text.WriteByte('%')
			i++
			continue
		}
		if s[i] == '%' {
			if n := strings.IndexByte(s[i+1:], '%'); n > 0 && isName(s[i+1:i+1+n]) {
				if text.Len() > 0 {
					part(text.String(), "")
					text.Reset()
				}
				part("", s[i+1:i+1+n])
				i += n + 1
				continue
			}
		}
		text.WriteByte(s[i])
	}
	if text.Len() > 0 {
		part(text.String(), "")
	}
}

func isName(s string) bool {
	for _, r := range s {
		if !isWordRune(r) && r != '-' && r != '.' {
			return false
		}
	}
	return true
}

// expandRule replaces the placeholders of all items that have the modifier
// expand, which it takes away from them.
func expandRule(r *Rule, values map[string][]string) error {
	bytes := 0
	return r.eachItem(func(it *Item) error {
		kept := it.Modifiers[:0:0]
		for _, m := range it.Modifiers {
			if m != "expand" {
				kept = append(kept, m)
			}
		}
		if len(kept) == len(it.Modifiers) {
			return nil
		}
		var out []Value
		for _, v := range it.Values {
			if v.Kind != StringValue {
				out = append(out, v)
				continue
			}
			texts, err := expandText(v.Text, values)
			if err != nil {
				return &lineError{it.Line, fmt.Errorf("%s: %w", it.name(), err)}
			}
			for _, t := range texts {
				bytes += len(t)
				out = append(out, Value{StringValue, t})
			}
			if bytes > maxValueBytes {
				return &lineError{it.Line, fmt.Errorf("%s: its placeholders give more than %d MB", it.name(), maxValueBytes>>20)}
			}
		}
		if len(out) > maxValues {
			return &lineError{it.Line, fmt.Errorf("%s: its placeholders give %d values; at most %d are taken", it.name(), len(out), maxValues)}
		}
		it.Values, it.Modifiers = out, kept
		return nil
	})
}

// expandText returns s with its placeholders replaced by each of their values.
func expandText(s string, values map[string][]string) (out []string, err error) {
	out = []string{""}
	splitPlaceholders(s, func(text, name string) {
		with := []string{text}
		if name != "" {
			if with = values[name]; len(with) == 0 && err == nil {
				err = &PlaceholderError{name}
			}
		}
		if len(out)*len(with) > maxValues && err == nil {
			err = fmt.Errorf("the placeholders of %q give more than %d values", shorten(s), maxValues)
		}
		if err != nil {
			return
		}
		next := make([]string, 0, len(out)*len(with))
		size := 0
		for _, a := range out {
			for _, b := range with {
				if size += len(a) + len(b); size > maxValueBytes {
					err = fmt.Errorf("the placeholders of %q give more than %d MB", shorten(s), maxValueBytes>>20)
					return
				}
				next = append(next, a+b)
			}
		}
		out = next
	})
	return out, err
}

// eachItem calls f with every item of every selection, until it fails.
func (r *Rule) eachItem(f func(*Item) error) error {
	for _, s := range r.Detection.Selections {
		if err := eachItem(s.Node, f); err != nil {
			return err
		}
	}
	return nil
}

func eachItem(n Node, f func(*Item) error) error {
	var nodes []Node
	switch n := n.(type) {
	case AllOf:
		nodes = n
	case AnyOf:
		nodes = n
	case *Item:
		return f(n)
	}
	for _, n := range nodes {
		if err := eachItem(n, f); err != nil {
			return err
		}
	}
	return nil
}

// LoadPlaceholders reads values for placeholders: YAML files that map names to
// lists of values, and text files NAME.txt with one value a line, where empty
// lines and lines that begin with # do not count. Paths may be directories and
// archives, as for Load. A name that stands twice has the values of both.
func LoadPlaceholders(paths []string) (map[string][]string, error) {
	files, err := collect(paths, Limits{}, func(name string) bool {
		return isRuleFile(name) || strings.EqualFold(filepath.Ext(name), ".txt")
	})
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, f := range files {
		if isRuleFile(f.name) {
			if err := yamlPlaceholders(f, out); err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			continue
		}
		name := filepath.Base(f.name[strings.LastIndexByte(f.name, '!')+1:])
		name = strings.TrimSuffix(name, filepath.Ext(name))
		for line := range strings.Lines(string(f.text)) {
			if line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff")); line != "" && line[0] != '#' {
				out[name] = append(out[name], line)
			}
		}
	}
	return out, nil
}

func yamlPlaceholders(f source, out map[string][]string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(f.text, &doc); err != nil {
		line, reason := yamlError(err)
		return fmt.Errorf("line %d: %s", line, reason)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	budget := maxNodes
	r := &reader{budget: &budget}
	m := r.mapping(doc.Content[0], "the placeholders")
	for _, e := range m.list {
		values := r.strings(m, e.key)
		name := strings.Trim(e.key, "%")
		out[name] = append(out[name], values...)
	}
	if r.err != nil {
		return fmt.Errorf("line %d: %w", r.line, r.err)
	}
	return nil
}
