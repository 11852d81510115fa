package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"borj.dev/borj/watch/sigma"
)

// pySigma applies a rule's modifiers before its pipelines run, so a value under
// contains is seen there as *value*. Here modifiers wait for Resolve; shown
// gives the values as a pipeline expects to see them, and withoutPlacing the
// modifiers that remain once such values took the place of the written ones.

// placing modifiers say where in the field a value stands.
var placing = []string{"contains", "startswith", "endswith"}

// transparent modifiers leave a value the text that it is.
var transparent = []string{"contains", "startswith", "endswith", "all", "cased", "windash", "neq", "expand"}

// isText tells whether a pipeline sees v, a value of d, as text.
func isText(d *sigma.Item, v sigma.Value) bool {
	if v.Kind != sigma.StringValue && v.Kind != sigma.LiteralValue {
		return false
	}
	for _, m := range d.Modifiers {
		if !slices.Contains(transparent, m) {
			return false
		}
	}
	return true
}

func shown(d *sigma.Item) []sigma.Value {
	before, after := "", ""
	for _, m := range d.Modifiers {
		switch m {
		case "contains":
			before, after = "*", "*"
		case "startswith":
			after = "*"
		case "endswith":
			before = "*"
		}
	}
	values := slices.Clone(d.Values)
	for i, v := range values {
		if !isText(d, v) {
			continue
		}
		if v.Kind == sigma.LiteralValue {
			v = sigma.Value{Text: escapeWildcards(v.Text)}
		}
		if before != "" && !strings.HasPrefix(v.Text, "*") {
			v.Text = before + v.Text
		}
		if after != "" && (!strings.HasSuffix(v.Text, "*") || escapedAt(v.Text, len(v.Text)-1)) {
			if strings.HasSuffix(v.Text, `\`) && !escapedAt(v.Text, len(v.Text)-1) {
				v.Text += `\` // a last backslash must not make the wildcard a plain star
			}
			v.Text += after
		}
		values[i] = v
	}
	return values
}

// escapedAt tells whether an odd number of backslashes stands before s[i].
func escapedAt(s string, i int) bool {
	n := 0
	for ; n < i && s[i-1-n] == '\\'; n++ {
	}
	return n%2 == 1
}

func escapeWildcards(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(s)
}

func hasWildcard(s string) bool {
	for i := range len(s) {
		if (s[i] == '*' || s[i] == '?') && !escapedAt(s, i) {
			return true
		}
	}
	return false
}

func withoutPlacing(modifiers []string) []string {
	return slices.DeleteFunc(slices.Clone(modifiers), func(m string) bool { return slices.Contains(placing, m) })
}

// changeValues calls change with each value, as shown, of the chosen items. It
// returns what takes the value's place, and false to leave it.
func changeValues(change func(r *run, d *sigma.Item, v sigma.Value) ([]sigma.Value, bool, error)) transformation {
	return func(r *run, it *item) error {
		return r.eachItem(it, func(d *sigma.Item) (sigma.Node, error) {
			values, changed := make([]sigma.Value, 0, len(d.Values)), false
			for _, v := range shown(d) {
				to, ok, err := change(r, d, v)
				if err != nil {
					return nil, err
				}
				if !ok {
					to = []sigma.Value{v}
				}
				for _, one := range to {
					if ok && len(one.Text) > maxValue {
						return nil, fmt.Errorf("a value grows beyond %d bytes", maxValue)
					}
					if err := r.spend(1 + len(one.Text)/256); err != nil {
						return nil, err
					}
					if n := len(values); n == 0 || values[n-1] != one {
						values = append(values, one)
					}
				}
				changed = changed || ok
			}
			if !changed {
				return d, nil
			}
			if len(values) == 0 {
				return nil, nil
			}
			one := *d
			one.Modifiers, one.Values = withoutPlacing(d.Modifiers), values
			return &one, nil
		})
	}
}

// maxReplacement bounds, with maxValue, what one replacement may make.
const maxReplacement = 256

var pythonEscape = regexp.MustCompile(`\\\\|\\(\d+)|\\g<(\w+)>`)

func replaceString(m *mapping) (transformation, error) {
	re := m.compile("regex", m.required("regex"), false)
	v, ok := m.take("replacement")
	if !ok {
		return nil, m.at.errorf("replace_string: replacement is missing")
	}
	written, err := v.text()
	if err != nil {
		return nil, err
	}
	if len(written) > maxReplacement {
		return nil, v.errorf("replace_string: the replacement is longer than %d bytes", maxReplacement)
	}
	// Groups are written \1 and \g<name> there, ${1} and ${name} in Go. Two
	// backslashes are one in either, and one in the value that comes of it.
	replacement := pythonEscape.ReplaceAllStringFunc(strings.ReplaceAll(written, "$", "$$"), func(s string) string {
		if s == `\\` {
			return s
		}
		name := strings.TrimPrefix(strings.TrimPrefix(s, `\`), "g<")
		return "${" + strings.TrimSuffix(name, ">") + "}"
	})
	skip, interpret := false, false
	m.flag("skip_special", &skip)
	m.flag("interpret_special", &interpret)
	return changeValues(func(_ *run, d *sigma.Item, v sigma.Value) ([]sigma.Value, bool, error) {
		if v.Kind != sigma.NumberValue && !isText(d, v) {
			return nil, false, nil
		}
		var text string
		if skip {
			text = eachPlainPart(v.Text, func(s string) string {
				s = re.ReplaceAllString(s, replacement)
				if !interpret {
					s = escapeWildcards(s)
				}
				return s
			})
		} else {
			text = re.ReplaceAllString(v.Text, replacement)
		}
		return []sigma.Value{{Text: text}}, text != v.Text, nil
	}), nil
}

// eachPlainPart calls change with the text between wildcards, unescaped.
func eachPlainPart(s string, change func(string) string) string {
	var out, plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			out.WriteString(change(plain.String()))
			plain.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`\*?`, s[i+1]) >= 0:
			i++
			plain.WriteByte(s[i])
		case s[i] == '*' || s[i] == '?':
			flush()
			out.WriteByte(s[i])
		default:
			plain.WriteByte(s[i])
		}
	}
	flush()
	return out.String()
}

func mapString(m *mapping) (transformation, error) {
	v, ok := m.take("mapping")
	if !ok {
		return nil, m.at.errorf("map_string: mapping is missing")
	}
	to, err := v.lists()
	return changeValues(func(_ *run, d *sigma.Item, v sigma.Value) ([]sigma.Value, bool, error) {
		texts, ok := to[v.Text]
		if !ok || !isText(d, v) {
			return nil, false, nil
		}
		values := make([]sigma.Value, len(texts))
		for i, t := range texts {
			values[i] = sigma.Value{Text: t}
		}
		return values, true, nil
	}), err
}

func setValue(m *mapping) (transformation, error) {
	to := scalarOf(m, "value")
	force := ""
	m.choice("force_type", &force, "", "str", "num")
	if m.err != nil {
		return nil, m.err
	}
	if force != "" {
		var err error
		if to, err = converted(to, force); err != nil {
			return nil, m.at.errorf("set_value: %v", err)
		}
	}
	return changeValues(func(*run, *sigma.Item, sigma.Value) ([]sigma.Value, bool, error) {
		return []sigma.Value{to}, true, nil
	}), nil
}

func convertType(m *mapping) (transformation, error) {
	to := ""
	m.choice("target_type", &to, "str", "num")
	return changeValues(func(_ *run, d *sigma.Item, v sigma.Value) ([]sigma.Value, bool, error) {
		if v.Kind == sigma.NullValue {
			return nil, false, nil
		}
		c, err := converted(v, to)
		return []sigma.Value{c}, err == nil && c != v, err
	}), nil
}

func converted(v sigma.Value, to string) (sigma.Value, error) {
	switch {
	case v.Kind == sigma.NullValue:
		return v, fmt.Errorf("null cannot be converted")
	case to == "str" && (v.Kind == sigma.NumberValue || v.Kind == sigma.BoolValue):
		return sigma.Value{Text: v.Text}, nil
	case to == "num":
		if _, err := strconv.ParseFloat(v.Text, 64); err != nil {
			return v, fmt.Errorf("%q is no number", v.Text)
		}
		return sigma.Value{Kind: sigma.NumberValue, Text: v.Text}, nil
	}
	return v, nil
}

func changeCase(m *mapping) (transformation, error) {
	method := ""
	m.choice("method", &method, "lower", "upper", "snake_case")
	change := map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper, "snake_case": snakeCase}[method]
	return changeValues(func(_ *run, d *sigma.Item, v sigma.Value) ([]sigma.Value, bool, error) {
		if !isText(d, v) {
			return nil, false, nil
		}
		text := change(v.Text)
		return []sigma.Value{{Text: text}}, text != v.Text, nil
	}), nil
}

// snakeCase writes SomeName as some_name.
func snakeCase(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, c := range runes {
		if i > 0 && unicode.IsUpper(c) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsLetter(runes[i-1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

var placeholder = regexp.MustCompile(`%([A-Za-z0-9_.-]+)%`)

func valuePlaceholders(m *mapping) (transformation, error) {
	return placeholders(m, func(r *run, name string) ([]string, error) {
		values, ok := r.vars[name]
		if !ok {
			return nil, fmt.Errorf("value_placeholders: vars has no %q", name)
		}
		return values, nil
	})
}

func wildcardPlaceholders(m *mapping) (transformation, error) {
	return placeholders(m, func(*run, string) ([]string, error) { return []string{"*"}, nil })
}

// placeholders replaces the %name% of values under expand.
func placeholders(m *mapping, find func(r *run, name string) ([]string, error)) (transformation, error) {
	handled := func(string) bool { return true }
	_, hasInclude := m.take("include")
	exclude, hasExclude := m.take("exclude")
	switch {
	case hasInclude && hasExclude:
		return nil, exclude.errorf("%sinclude and exclude exclude each other", m.what)
	case hasInclude:
		list := m.texts("include")
		handled = func(n string) bool { return slices.Contains(list, n) }
	case hasExclude:
		list := m.texts("exclude")
		handled = func(n string) bool { return !slices.Contains(list, n) }
	}
	return func(r *run, it *item) error {
		return r.eachItem(it, func(d *sigma.Item) (sigma.Node, error) {
			if !slices.Contains(d.Modifiers, "expand") {
				return d, nil
			}
			one := *d
			one.Values = nil
			left := false
			for _, v := range d.Values {
				values, err := expand(r, v.Text, handled, find)
				if err != nil {
					return nil, err
				}
				for _, text := range values {
					left = left || placeholder.MatchString(text)
					one.Values = append(one.Values, sigma.Value{Kind: v.Kind, Text: text})
				}
			}
			if !left {
				one.Modifiers = slices.DeleteFunc(slices.Clone(d.Modifiers), func(m string) bool { return m == "expand" })
			}
			return &one, nil
		})
	}, nil
}

// expand returns text with every combination of its placeholders' values.
func expand(r *run, text string, handled func(string) bool, find func(*run, string) ([]string, error)) ([]string, error) {
	texts, end := []string{""}, 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		values := []string{text[at[0]:at[1]]}
		if handled(name) {
			var err error
			if values, err = find(r, name); err != nil {
				return nil, err
			}
		}
		if err := r.spend(len(texts) * len(values) * (1 + len(text)/256)); err != nil {
			return nil, err
		}
		var next []string
		for _, t := range texts {
			for _, v := range values {
				next = append(next, t+text[end:at[0]]+v)
				if len(t)+len(v) > maxValue {
					return nil, fmt.Errorf("a value grows beyond %d bytes", maxValue)
				}
			}
		}
		texts, end = next, at[1]
	}
	for i := range texts {
		texts[i] += text[end:]
	}
	return texts, nil
}
