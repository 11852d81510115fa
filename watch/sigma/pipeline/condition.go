package pipeline

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"borj.dev/borj/watch/sigma"
)

// The three kinds of condition that an item may have.
type (
	ruleCondition  func(*run) bool
	itemCondition  func(*run, *sigma.Item) bool
	fieldCondition func(r *run, field string) bool
)

// conditions are the conditions of one kind that an item has, and how they
// are joined.
type conditions[C any] struct {
	list   []C
	names  []string // as expression calls them
	expr   expression
	any    bool // joined by or
	negate bool
}

func (c *conditions[C]) hold(test func(C) bool) bool {
	if len(c.list) == 0 {
		return true
	}
	var holds bool
	switch {
	case c.expr != nil:
		holds = c.expr(func(name string) bool { return test(c.list[slices.Index(c.names, name)]) })
	case c.any:
		holds = slices.ContainsFunc(c.list, test)
	default:
		holds = !slices.ContainsFunc(c.list, func(one C) bool { return !test(one) })
	}
	return holds != c.negate
}

// parseConditions reads the conditions of one kind: KIND_conditions as a list
// or as a map of names, with KIND_cond_op, KIND_cond_expr and KIND_cond_not.
func parseConditions[C any](m *mapping, kind string, known map[string]func(*mapping) C) (c conditions[C]) {
	m.flag(kind+"_cond_not", &c.negate)
	op := ""
	m.choice(kind+"_cond_op", &op, "and", "or")
	c.any = op == "or"
	if v, ok := m.take(kind + "_conditions"); ok {
		entries, err := namedOrListed(v)
		m.fail(err)
		for _, e := range entries {
			c.names = append(c.names, e.key)
			c.list = append(c.list, parseCondition(m, e.value, kind, known))
		}
	}
	v, ok := m.take(kind + "_cond_expr")
	if !ok || m.err != nil {
		return c
	}
	if _, both := m.take(kind + "_cond_op"); both {
		m.fail(v.errorf("%s_cond_expr and %s_cond_op exclude each other", kind, kind))
		return c
	}
	text, err := v.text()
	m.fail(err)
	expr, used, err := parseExpression(text, c.names)
	if err != nil {
		m.fail(v.errorf("%s_cond_expr: %v", kind, err))
		return c
	}
	for _, name := range c.names {
		if !slices.Contains(used, name) {
			m.fail(v.errorf("%s_cond_expr does not use the condition %q", kind, name))
		}
	}
	c.expr = expr
	return c
}

// namedOrListed reads a map, or a list whose entries are named 1, 2, 3.
func namedOrListed(v value) ([]entry, error) {
	if len(v.node.Content) == 0 && v.node.Tag == "!!map" {
		return nil, nil
	}
	if entries, err := v.entries(); err == nil {
		return entries, nil
	}
	list, err := v.sequence()
	if err != nil {
		return nil, v.errorf("a list or a map of conditions is wanted here")
	}
	entries := make([]entry, len(list))
	for i, one := range list {
		entries[i] = entry{key: strconv.Itoa(i + 1), value: one}
	}
	return entries, nil
}

func parseCondition[C any](outer *mapping, v value, kind string, known map[string]func(*mapping) C) (c C) {
	m, err := v.mapping()
	if err != nil {
		outer.fail(err)
		return c
	}
	name := m.required("type")
	if m.err != nil {
		outer.fail(m.err)
		return c
	}
	read, ok := known[name]
	if !ok {
		outer.fail(v.errorf("unknown %s condition %q", strings.ReplaceAll(kind, "_", " "), name))
		return c
	}
	m.what = name + ": "
	c = read(m)
	outer.fail(m.finish())
	return c
}

var ruleConditions = map[string]func(*mapping) ruleCondition{
	"logsource": func(m *mapping) ruleCondition {
		var want sigma.LogSource
		m.text("category", &want.Category)
		m.text("product", &want.Product)
		m.text("service", &want.Service)
		if want == (sigma.LogSource{}) {
			m.fail(m.at.errorf("logsource: one of category, product and service is needed"))
		}
		return func(r *run) bool { return fits(want, r.rule.LogSource) }
	},
	"contains_field": func(m *mapping) ruleCondition {
		field := m.required("field")
		return func(r *run) bool { return r.containsItem(func(d *sigma.Item) bool { return d.Field == field }) }
	},
	"contains_detection_item": func(m *mapping) ruleCondition {
		field := m.required("field")
		want := scalarOf(m, "value")
		return func(r *run) bool {
			return r.containsItem(func(d *sigma.Item) bool {
				return d.Field == field && slices.ContainsFunc(shown(d), func(v sigma.Value) bool { return v == want })
			})
		}
	},
	"processing_item_applied": func(m *mapping) ruleCondition {
		id := m.required("processing_item_id")
		return func(r *run) bool { return r.applied[id] }
	},
	"processing_state":          func(m *mapping) ruleCondition { return ruleCondition(stateCondition(m)) },
	"is_sigma_rule":             func(*mapping) ruleCondition { return func(*run) bool { return true } },
	"is_sigma_correlation_rule": func(*mapping) ruleCondition { return func(*run) bool { return false } },
	"rule_attribute":            attributeCondition,
	"tag": func(m *mapping) ruleCondition {
		tag := m.required("tag")
		return func(r *run) bool {
			return slices.ContainsFunc(r.rule.Tags, func(t string) bool { return strings.EqualFold(t, tag) })
		}
	},
}

// fits tells whether a rule of the log source have is about what want names. A
// rule that leaves its product open, as one for process_creation everywhere,
// fits the category or service of any product.
func fits(want, have sigma.LogSource) bool {
	equal := func(want, have string) bool { return want == "" || strings.EqualFold(want, have) }
	open := have.Product == "" && (want.Category != "" || want.Service != "")
	return equal(want.Category, have.Category) && equal(want.Service, have.Service) && (open || equal(want.Product, have.Product))
}

var itemConditions = map[string]func(*mapping) itemCondition{
	"match_string": func(m *mapping) itemCondition {
		re := m.regexp("pattern")
		negate := false
		m.flag("negate", &negate)
		return valueCondition(m, func(d *sigma.Item, v sigma.Value) bool {
			return (isText(d, v) && re.MatchString(v.Text)) != negate
		})
	},
	"match_value": func(m *mapping) itemCondition {
		want := scalarOf(m, "value")
		return valueCondition(m, func(_ *sigma.Item, v sigma.Value) bool { return v == want })
	},
	"contains_wildcard": func(m *mapping) itemCondition {
		return valueCondition(m, func(d *sigma.Item, v sigma.Value) bool { return isText(d, v) && hasWildcard(v.Text) })
	},
	"is_null": func(m *mapping) itemCondition {
		return valueCondition(m, func(_ *sigma.Item, v sigma.Value) bool { return v.Kind == sigma.NullValue })
	},
	"processing_item_applied": func(m *mapping) itemCondition {
		id := m.required("processing_item_id")
		return func(r *run, d *sigma.Item) bool { return r.onItem[d][id] }
	},
	"processing_state": func(m *mapping) itemCondition {
		holds := stateCondition(m)
		return func(r *run, _ *sigma.Item) bool { return holds(r) }
	},
}

var fieldConditions = map[string]func(*mapping) fieldCondition{
	"include_fields": func(m *mapping) fieldCondition {
		in := fieldSet(m)
		return func(_ *run, field string) bool { return field != "" && in(field) }
	},
	"exclude_fields": func(m *mapping) fieldCondition {
		in := fieldSet(m)
		return func(_ *run, field string) bool { return field == "" || !in(field) }
	},
	"processing_item_applied": func(m *mapping) fieldCondition {
		id := m.required("processing_item_id")
		return func(r *run, field string) bool { return r.onField[field][id] }
	},
	"processing_state": func(m *mapping) fieldCondition {
		holds := stateCondition(m)
		return func(r *run, _ string) bool { return holds(r) }
	},
}

// fieldSet reads fields and mode: plain names, or expressions that match from
// a name's beginning.
func fieldSet(m *mapping) func(string) bool {
	fields := m.texts("fields")
	mode := ""
	m.choice("mode", &mode, "plain", "re")
	if mode == "plain" {
		return func(field string) bool { return slices.Contains(fields, field) }
	}
	var list []*regexp.Regexp
	for _, f := range fields {
		list = append(list, m.compile("fields", f, true))
	}
	return func(field string) bool {
		return slices.ContainsFunc(list, func(re *regexp.Regexp) bool { return re.MatchString(field) })
	}
}

// valueCondition reads cond: whether one value of the item has to do, or all.
func valueCondition(m *mapping, test func(*sigma.Item, sigma.Value) bool) itemCondition {
	cond := ""
	m.choice("cond", &cond, "any", "all")
	return func(_ *run, d *sigma.Item) bool {
		values := shown(d)
		if cond == "all" {
			return !slices.ContainsFunc(values, func(v sigma.Value) bool { return !test(d, v) })
		}
		return slices.ContainsFunc(values, func(v sigma.Value) bool { return test(d, v) })
	}
}

// stateCondition compares what set_state set.
func stateCondition(m *mapping) func(*run) bool {
	key := m.required("key")
	want := scalarOf(m, "val")
	op := ""
	m.choice("op", &op, "eq", "ne", "gte", "gt", "lte", "lt")
	return func(r *run) bool {
		have, ok := r.state[key]
		return ok && compare(op, have.Text, want.Text)
	}
}

// attributeCondition compares an attribute of the rule: a level or a status by
// rank, a number by value, anything else as text (dates are written so that
// this orders them); lists know in and not_in.
func attributeCondition(m *mapping) ruleCondition {
	name := m.required("attribute")
	want := scalarOf(m, "value").Text
	op := ""
	m.choice("op", &op, "eq", "ne", "gte", "gt", "lte", "lt", "in", "not_in")
	return func(r *run) bool {
		text, list, ok := attribute(r.rule, name)
		switch {
		case !ok:
			return false
		case list != nil:
			return op == "in" && slices.Contains(list, want) ||
				op == "not_in" && !slices.Contains(list, want) || op == "ne"
		case op == "in" || op == "not_in":
			return false
		case name == "level" || name == "status":
			a, b := rank(name, text), rank(name, want)
			return a >= 0 && b >= 0 && compare(op, strconv.Itoa(a), strconv.Itoa(b))
		}
		return compare(op, text, want)
	}
}

var statuses = []string{"unsupported", "deprecated", "experimental", "test", "stable"}

func rank(name, text string) int {
	if name == "status" {
		return slices.Index(statuses, strings.ToLower(text))
	}
	if l, ok := sigma.ParseLevel(text); ok {
		return int(l)
	}
	return -1
}

// attribute returns a single attribute of a rule as text, or one that is a list.
func attribute(r *sigma.Rule, name string) (text string, list []string, ok bool) {
	notNil := func(l []string) []string { return append([]string{}, l...) }
	switch name {
	case "id":
		return r.ID, nil, true
	case "name":
		return r.Name, nil, true
	case "title":
		return r.Title, nil, true
	case "description":
		return r.Description, nil, true
	case "status":
		return r.Status, nil, true
	case "level":
		return r.Level.String(), nil, true
	case "author":
		return r.Author, nil, true
	case "date":
		return r.Date, nil, true
	case "modified":
		return r.Modified, nil, true
	case "taxonomy":
		return r.Taxonomy, nil, true
	case "logsource.category":
		return r.LogSource.Category, nil, true
	case "logsource.product":
		return r.LogSource.Product, nil, true
	case "logsource.service":
		return r.LogSource.Service, nil, true
	case "tags":
		return "", notNil(r.Tags), true
	case "references":
		return "", notNil(r.References), true
	case "falsepositives":
		return "", notNil(r.FalsePositives), true
	case "fields":
		return "", notNil(r.Fields), true
	}
	switch v := r.Custom[name].(type) {
	case string:
		return v, nil, true
	case int:
		return strconv.Itoa(v), nil, true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil, true
	case bool:
		return strconv.FormatBool(v), nil, true
	case []any:
		list = []string{}
		for _, one := range v {
			if s, isText := one.(string); isText {
				list = append(list, s)
			}
		}
		return "", list, true
	}
	return "", nil, false
}

// compare compares numbers by value, and anything else as text.
func compare(op, a, b string) bool {
	order := strings.Compare(a, b)
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	if errA == nil && errB == nil {
		switch {
		case x < y:
			order = -1
		case x > y:
			order = 1
		default:
			order = 0
		}
	}
	switch op {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "gte":
		return order >= 0
	case "gt":
		return order > 0
	case "lte":
		return order <= 0
	}
	return order < 0
}

func scalarOf(m *mapping, key string) sigma.Value {
	v, ok := m.take(key)
	if !ok {
		m.fail(m.at.errorf("%s%s is missing", m.what, key))
		return sigma.Value{}
	}
	s, err := v.scalar()
	m.fail(err)
	return s
}

// regexp reads an expression that matches from a value's beginning.
func (m *mapping) regexp(key string) *regexp.Regexp {
	return m.compile(key, m.required(key), true)
}

func (m *mapping) compile(key, text string, fromStart bool) *regexp.Regexp {
	if fromStart {
		text = `\A(?:` + text + `)`
	}
	re, err := regexp.Compile(text)
	if err != nil {
		m.fail(m.at.errorf("%s%s: %v (expressions follow RE2, which has no look-around and no back-references)", m.what, key, err))
		return regexp.MustCompile(`\z.`)
	}
	return re
}

func (r *run) containsItem(test func(*sigma.Item) bool) bool {
	var in func(n sigma.Node) bool
	in = func(n sigma.Node) bool {
		switch n := n.(type) {
		case sigma.AllOf:
			return slices.ContainsFunc(n, in)
		case sigma.AnyOf:
			return slices.ContainsFunc(n, in)
		case *sigma.Item:
			return test(n)
		}
		return false
	}
	return slices.ContainsFunc(r.rule.Detection.Selections, func(s sigma.Selection) bool { return in(s.Node) }) ||
		slices.ContainsFunc(r.added, func(a addedCondition) bool { return in(a.node) })
}
