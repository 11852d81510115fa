package pipeline

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"borj.dev/borj/watch/sigma"
)

// transformation changes the rule of a run, where the conditions of the item
// that holds it allow.
type transformation func(*run, *item) error

// transformations are those that Borj knows, by the type that a file names.
// nest is read by parseItem.
var transformations = map[string]func(*mapping) (transformation, error){
	"field_name_mapping":        fieldNameMapping,
	"field_name_prefix_mapping": fieldNamePrefixMapping,
	"field_name_prefix": func(m *mapping) (transformation, error) {
		prefix := m.required("prefix")
		return renameFields(func(f string) ([]string, bool) { return []string{prefix + f}, f != "" }), nil
	},
	"field_name_suffix": func(m *mapping) (transformation, error) {
		suffix := m.required("suffix")
		return renameFields(func(f string) ([]string, bool) { return []string{f + suffix}, f != "" }), nil
	},
	"drop_detection_item": func(*mapping) (transformation, error) {
		return func(r *run, it *item) error {
			return r.eachItem(it, func(*sigma.Item) (sigma.Node, error) { return nil, nil })
		}, nil
	},
	"add_condition":          addCondition,
	"change_logsource":       changeLogSource,
	"hashes_fields":          hashesFields,
	"joined_fields":          joinedFields,
	"replace_string":         replaceString,
	"map_string":             mapString,
	"set_value":              setValue,
	"convert_type":           convertType,
	"case":                   changeCase,
	"value_placeholders":     valuePlaceholders,
	"wildcard_placeholders":  wildcardPlaceholders,
	"set_state":              setState,
	"set_custom_attribute":   setCustomAttribute,
	"add_field":              changeFieldList(func(have, named []string) []string { return append(have, named...) }),
	"remove_field":           changeFieldList(without),
	"set_field":              setFieldList,
	"rule_failure":           ruleFailure,
	"detection_item_failure": detectionItemFailure,
}

// unsupported are transformations of pySigma that mean nothing here, and why.
var unsupported = map[string]string{
	"field_name_transform":          "the function it calls is Python; write the names with field_name_mapping",
	"query_expression_placeholders": "there is no query that the expression could become part of; use value_placeholders",
	"regex":                         "text is compared without regard to case already, so values need not become expressions",
	"strict_field_mapping_failure":  "Borj does not know the fields of the target; use field_name_conditions with detection_item_failure",
}

// fieldNameMapping maps a name to one or several; the null key is keywords,
// which then match anywhere within the fields.
func fieldNameMapping(m *mapping) (transformation, error) {
	to, err := fieldMap(m)
	return renameFields(func(f string) ([]string, bool) { names, ok := to[f]; return names, ok }), err
}

func fieldMap(m *mapping) (map[string][]string, error) {
	v, ok := m.take("mapping")
	if !ok {
		return nil, m.at.errorf("%smapping is missing", m.what)
	}
	to, err := v.lists()
	for from, names := range to {
		if len(names) == 0 {
			return nil, v.errorf("%sthe field %q is mapped to no field", m.what, from)
		}
	}
	return to, err
}

func fieldNamePrefixMapping(m *mapping) (transformation, error) {
	v, ok := m.take("mapping")
	if !ok {
		return nil, m.at.errorf("%smapping is missing", m.what)
	}
	entries, err := v.entries()
	if err != nil {
		return nil, err
	}
	type prefix struct {
		from string
		to   []string
	}
	var list []prefix // in the order written: the first that fits is taken
	for _, e := range entries {
		if e.null {
			return nil, v.errorf("%sa prefix cannot be null", m.what)
		}
		to, err := e.value.texts()
		if err != nil {
			return nil, err
		}
		list = append(list, prefix{e.key, to})
	}
	return renameFields(func(f string) ([]string, bool) {
		for _, p := range list {
			if rest, ok := strings.CutPrefix(f, p.from); ok && f != "" {
				names := make([]string, len(p.to))
				for i, to := range p.to {
					names[i] = to + rest
				}
				return names, true
			}
		}
		return nil, false
	}), nil
}

// renameFields renames fields where they stand: in detection items, in values
// that refer to a field, and in the rule's list of fields.
func renameFields(names func(field string) ([]string, bool)) transformation {
	return func(r *run, it *item) error {
		mapped := func(field string) ([]string, bool) {
			if !it.fields.hold(func(c fieldCondition) bool { return c(r, field) }) {
				return nil, false
			}
			to, ok := names(field)
			if ok && it.id != "" {
				r.markField(field, to, it.id)
			}
			return to, ok
		}
		var fields []string
		for _, f := range r.rule.Fields {
			if to, ok := mapped(f); ok {
				fields = append(fields, to...)
			} else {
				fields = append(fields, f)
			}
		}
		r.rule.Fields = fields
		r.follow(mapped)
		if err := r.references(it, mapped); err != nil {
			return err
		}
		return r.eachItem(it, func(d *sigma.Item) (sigma.Node, error) {
			to, ok := mapped(d.Field)
			if !ok {
				return d, nil
			}
			if err := r.spend(len(to) + len(to)*len(d.Values)); err != nil {
				return nil, err
			}
			any := make(sigma.AnyOf, len(to))
			for i, name := range to {
				one := *d
				one.Field = name
				if d.Field == "" {
					one.Modifiers, one.Values = anywhere(d)
				}
				any[i] = &one
			}
			if len(any) == 1 {
				return any[0], nil
			}
			return any, nil
		})
	}
}

// follow keeps up with the names of the fields that Route was asked about.
func (r *run) follow(mapped func(string) ([]string, bool)) {
	for field, names := range r.renamed {
		var now []string
		for _, name := range names {
			if to, ok := mapped(name); ok {
				now = append(now, to...)
			} else {
				now = append(now, name)
			}
		}
		r.renamed[field] = now
	}
}

// references maps the field names that stand as values under fieldref.
func (r *run) references(it *item, mapped func(string) ([]string, bool)) error {
	return r.eachItem(&item{id: it.id, values: it.values}, func(d *sigma.Item) (sigma.Node, error) {
		if !slices.Contains(d.Modifiers, "fieldref") {
			return d, nil
		}
		one := *d
		one.Values = nil
		for _, v := range d.Values {
			to, ok := mapped(v.Text)
			if !ok {
				one.Values = append(one.Values, v)
				continue
			}
			if err := r.spend(len(to)); err != nil {
				return nil, err
			}
			for _, name := range to {
				one.Values = append(one.Values, sigma.Value{Kind: sigma.LiteralValue, Text: name})
			}
		}
		return &one, nil
	})
}

// anywhere turns keywords into values that may stand anywhere in a field.
func anywhere(d *sigma.Item) ([]string, []sigma.Value) {
	values := slices.Clone(d.Values)
	for i, v := range shown(d) {
		if isText(d, v) {
			values[i] = sigma.Value{Text: "*" + strings.Trim(v.Text, "*") + "*"}
			if strings.HasSuffix(v.Text, `\*`) {
				values[i].Text = "*" + v.Text + "*"
			}
		}
	}
	return withoutPlacing(d.Modifiers), values
}

func (r *run) markField(from string, to []string, id string) {
	ids := maps.Clone(r.onField[from])
	if ids == nil {
		ids = map[string]bool{}
	}
	ids[id] = true
	for _, name := range to {
		r.onField[name] = ids
	}
}

func addCondition(m *mapping) (transformation, error) {
	v, ok := m.take("conditions")
	if !ok {
		return nil, m.at.errorf("%sconditions is missing", m.what)
	}
	node, err := conditionNode(v)
	if err != nil {
		return nil, err
	}
	negated, template := false, false
	m.flag("negated", &negated)
	m.flag("template", &template)
	m.ignore("name")
	return func(r *run, it *item) error {
		if err := r.spend(1); err != nil {
			return err
		}
		fill := func(s string) string { return s }
		if template {
			ls := r.rule.LogSource
			fill = strings.NewReplacer("${category}", ls.Category, "$category", ls.Category, "${product}", ls.Product,
				"$product", ls.Product, "${service}", ls.Service, "$service", ls.Service, "$$", "$").Replace
		}
		n := copyNode(node, fill)
		if it.id != "" {
			r.mark(n, it.id, nil)
		}
		r.added = append(r.added, addedCondition{n, negated, it.file, it.line})
		r.positive = r.positive || !negated
		return nil
	}, nil
}

// conditionNode reads the conditions as a rule's selection is read: a map whose
// entries must all hold, or a list of such maps of which one must.
func conditionNode(v value) (sigma.Node, error) {
	if list, err := v.sequence(); err == nil {
		any := make(sigma.AnyOf, 0, len(list))
		for _, one := range list {
			n, err := conditionNode(one)
			if err != nil {
				return nil, err
			}
			any = append(any, n)
		}
		if len(any) == 0 {
			return nil, v.errorf("add_condition: the list of conditions is empty")
		}
		return any, nil
	}
	entries, err := v.entries()
	if err != nil {
		return nil, err
	}
	all := make(sigma.AllOf, 0, len(entries))
	for _, e := range entries {
		field, modifiers, _ := strings.Cut(e.key, "|")
		d := &sigma.Item{Field: field, Line: e.value.node.Line}
		if modifiers != "" {
			d.Modifiers = strings.Split(modifiers, "|")
		}
		if d.Values, err = e.value.scalars(); err != nil {
			return nil, err
		}
		if len(d.Values) == 0 {
			return nil, e.value.errorf("add_condition: %q has no value", e.key)
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil, v.errorf("add_condition: the conditions are empty")
	}
	return all, nil
}

// copyNode copies a node, so that what is done to one rule's is not done to
// another's.
func copyNode(n sigma.Node, fill func(string) string) sigma.Node {
	switch n := n.(type) {
	case sigma.AllOf:
		out := make(sigma.AllOf, len(n))
		for i, one := range n {
			out[i] = copyNode(one, fill)
		}
		return out
	case sigma.AnyOf:
		out := make(sigma.AnyOf, len(n))
		for i, one := range n {
			out[i] = copyNode(one, fill)
		}
		return out
	case *sigma.Item:
		out := *n
		out.Values = slices.Clone(n.Values)
		for i := range out.Values {
			if out.Values[i].Kind == sigma.StringValue {
				out.Values[i].Text = fill(out.Values[i].Text)
			}
		}
		return &out
	}
	return n
}

func changeLogSource(m *mapping) (transformation, error) {
	var to sigma.LogSource
	m.text("category", &to.Category)
	m.text("product", &to.Product)
	m.text("service", &to.Service)
	return func(r *run, _ *item) error {
		definition := r.rule.LogSource.Definition
		r.rule.LogSource = to
		r.rule.LogSource.Definition = definition
		return nil
	}, nil
}

func setState(m *mapping) (transformation, error) {
	key, val := m.required("key"), scalarOf(m, "val")
	return func(r *run, _ *item) error { r.state[key] = val; return nil }, nil
}

func setCustomAttribute(m *mapping) (transformation, error) {
	name, val := m.required("attribute"), scalarOf(m, "value")
	return func(r *run, _ *item) error {
		custom := maps.Clone(r.rule.Custom)
		if custom == nil {
			custom = map[string]any{}
		}
		custom[name] = val.Text
		r.rule.Custom = custom
		return nil
	}, nil
}

func changeFieldList(change func(have, named []string) []string) func(*mapping) (transformation, error) {
	return func(m *mapping) (transformation, error) {
		named := m.texts("field")
		return func(r *run, _ *item) error {
			if err := r.spend(len(named)); err != nil {
				return err
			}
			r.rule.Fields = change(slices.Clone(r.rule.Fields), named)
			return nil
		}, nil
	}
}

func without(have, named []string) []string {
	return slices.DeleteFunc(have, func(f string) bool { return slices.Contains(named, f) })
}

func setFieldList(m *mapping) (transformation, error) {
	fields := m.texts("fields")
	return func(r *run, _ *item) error { r.rule.Fields = slices.Clone(fields); return nil }, nil
}

func ruleFailure(m *mapping) (transformation, error) {
	message := m.required("message")
	return func(*run, *item) error { return fmt.Errorf("%s", message) }, nil
}

func detectionItemFailure(m *mapping) (transformation, error) {
	message := m.required("message")
	return func(r *run, it *item) error {
		return r.eachItem(it, func(d *sigma.Item) (sigma.Node, error) {
			return nil, fmt.Errorf("%s (field %q)", message, d.Field)
		})
	}, nil
}

var hashPlain = regexp.MustCompile(`^[0-9A-Fa-f]+$`)

// hashesFields turns Hashes values, ALGORITHM=digest or a digest alone, into
// one item for each algorithm.
func hashesFields(m *mapping) (transformation, error) {
	valid := m.texts("valid_hash_algos")
	prefix, drop := "", false
	m.text("field_prefix", &prefix)
	m.flag("drop_algo_prefix", &drop)
	lengths := map[int]string{32: "MD5", 40: "SHA1", 64: "SHA256", 128: "SHA512"}
	return func(r *run, it *item) error {
		return r.eachItem(it, func(d *sigma.Item) (sigma.Node, error) {
			var any sigma.AnyOf
			for _, v := range d.Values {
				if !isText(d, v) {
					return d, nil
				}
				algorithm, digest, ok := strings.Cut(strings.Trim(v.Text, "*"), "=")
				if !ok {
					algorithm, digest, ok = strings.Cut(algorithm, "|")
				}
				if !ok {
					digest, algorithm = algorithm, lengths[len(algorithm)]
				}
				algorithm = strings.ToUpper(algorithm)
				if !slices.Contains(valid, algorithm) || !hashPlain.MatchString(digest) {
					return nil, fmt.Errorf("hashes_fields: %q is no hash of %s", v.Text, strings.Join(valid, ", "))
				}
				field := prefix + algorithm
				if drop {
					field = prefix
				}
				if err := r.spend(1); err != nil {
					return nil, err
				}
				any = appendValue(any, field, d.Line, sigma.Value{Text: digest})
			}
			return any, nil
		})
	}, nil
}

func appendValue(any sigma.AnyOf, field string, line int, v sigma.Value) sigma.AnyOf {
	for _, n := range any {
		if one := n.(*sigma.Item); one.Field == field {
			one.Values = append(one.Values, v)
			return any
		}
	}
	return append(any, &sigma.Item{Field: field, Line: line, Values: []sigma.Value{v}})
}
