package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"borj.dev/borj/watch/sigma"
)

// Bounds of a pipeline file, and of what it may make of a rule.
const (
	maxFile  = 4 << 20 // bytes
	maxDocs  = 256
	maxNodes = 50_000   // YAML values read, aliases followed
	maxNest  = 16       // nest transformations and condition expressions within each other
	maxSteps = 50_000   // transformations applied to one rule, and items and values made of it
	maxValue = 16 << 10 // bytes of a value that a transformation made
)

// parse reads the pipelines of one file.
func parse(file string, text []byte) ([]*pipeline, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", file, maxFile)
	}
	nodes := maxNodes
	var list []*pipeline
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if len(list) == maxDocs {
			return nil, fmt.Errorf("%s: more than %d pipelines in one file", file, maxDocs)
		}
		v := value{file: file, node: &doc, left: &nodes}
		if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
			v.node = doc.Content[0]
		}
		if v.isNull() {
			continue
		}
		pl, err := parsePipeline(v)
		if err != nil {
			return nil, err
		}
		list = append(list, pl)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: no pipeline in this file", file)
	}
	return list, nil
}

func parsePipeline(v value) (*pipeline, error) {
	m, err := v.mapping()
	if err != nil {
		return nil, err
	}
	pl := &pipeline{file: v.file, name: strings.TrimSuffix(filepath.Base(v.file), filepath.Ext(v.file))}
	m.text("name", &pl.name)
	m.number("priority", &pl.priority)
	m.ignore("description", "author", "allowed_backends")
	if vars, ok := m.take("vars"); ok {
		pl.vars, err = vars.lists()
		m.fail(err)
	}
	for _, key := range []string{"postprocessing", "finalizers"} {
		if stage, ok := m.take(key); ok && len(stage.node.Content) > 0 {
			m.fail(stage.errorf("%s: not supported: Borj makes no query that could be processed further", key))
		}
	}
	if list, ok := m.take("transformations"); ok {
		pl.items, err = parseItems(list, 0)
		m.fail(err)
	} else if m.err == nil {
		m.fail(v.errorf("transformations is missing"))
	}
	return pl, m.finish()
}

func parseItems(v value, depth int) ([]*item, error) {
	if depth > maxNest {
		return nil, v.errorf("nest: more than %d transformations within each other", maxNest)
	}
	list, err := v.sequence()
	if err != nil {
		return nil, err
	}
	items := make([]*item, 0, len(list))
	for _, one := range list {
		it, err := parseItem(one, depth)
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

func parseItem(v value, depth int) (*item, error) {
	m, err := v.mapping()
	if err != nil {
		return nil, err
	}
	it := &item{file: v.file, line: v.node.Line}
	kind := ""
	m.text("id", &it.id)
	m.text("type", &kind)
	it.rules = parseConditions(m, "rule", ruleConditions)
	it.values = parseConditions(m, "detection_item", itemConditions)
	it.fields = parseConditions(m, "field_name", fieldConditions)
	if m.err != nil {
		return nil, m.err
	}
	if kind == "nest" {
		if list, ok := m.take("items"); ok {
			nested, err := parseItems(list, depth+1)
			m.fail(err)
			it.apply = func(r *run, _ *item) error { _, err := r.items(nested); return err }
		} else {
			m.fail(v.errorf("nest: items is missing"))
		}
		return it, m.finish()
	}
	read, ok := transformations[kind]
	switch why := unsupported[kind]; {
	case kind == "":
		return nil, v.errorf("type is missing")
	case why != "":
		return nil, v.errorf("%s: not supported: %s", kind, why)
	case !ok:
		return nil, v.errorf("unknown transformation %q", kind)
	}
	m.what = kind + ": "
	it.apply, err = read(m)
	m.fail(err)
	return it, m.finish()
}

// value is a YAML value and where it stands.
type value struct {
	file string
	node *yaml.Node
	left *int // YAML values that may still be read
}

func (v value) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", v.file, v.node.Line, fmt.Sprintf(format, args...))
}

// child follows an alias, and counts.
func (v value) child(n *yaml.Node) (value, error) {
	c := value{v.file, n, v.left}
	if *v.left--; *v.left < 0 {
		return c, v.errorf("more than %d values in this file", maxNodes)
	}
	if n.Kind == yaml.AliasNode {
		c.node = n.Alias
	}
	return c, nil
}

func (v value) isNull() bool { return v.node.Kind == 0 || v.node.Tag == "!!null" }

func (v value) sequence() ([]value, error) {
	if v.node.Kind != yaml.SequenceNode {
		return nil, v.errorf("a list is wanted here")
	}
	list := make([]value, 0, len(v.node.Content))
	for _, n := range v.node.Content {
		c, err := v.child(n)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// entry is one entry of a mapping. A null key is the keyword field.
type entry struct {
	key   string
	null  bool
	value value
}

func (v value) entries() ([]entry, error) {
	if v.node.Kind != yaml.MappingNode {
		return nil, v.errorf("a map is wanted here")
	}
	list := make([]entry, 0, len(v.node.Content)/2)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k, err := v.child(v.node.Content[i])
		if err != nil {
			return nil, err
		}
		c, err := v.child(v.node.Content[i+1])
		if err != nil {
			return nil, err
		}
		if k.node.Kind != yaml.ScalarNode {
			return nil, k.errorf("a key must be a plain name")
		}
		e := entry{key: k.node.Value, null: k.isNull(), value: c}
		if e.null {
			e.key = ""
		}
		for _, other := range list {
			if other.key == e.key {
				return nil, k.errorf("the key %q stands twice", k.node.Value)
			}
		}
		list = append(list, e)
	}
	return list, nil
}

func (v value) text() (string, error) {
	if v.node.Kind != yaml.ScalarNode || v.isNull() {
		return "", v.errorf("a text is wanted here")
	}
	return v.node.Value, nil
}

// texts reads a text or a list of texts.
func (v value) texts() ([]string, error) {
	if v.node.Kind == yaml.ScalarNode {
		s, err := v.text()
		return []string{s}, err
	}
	list, err := v.sequence()
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(list))
	for _, one := range list {
		s, err := one.text()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// lists reads a map of texts or lists of texts.
func (v value) lists() (map[string][]string, error) {
	entries, err := v.entries()
	if err != nil {
		return nil, err
	}
	out := make(map[string][]string, len(entries))
	for _, e := range entries {
		if out[e.key], err = e.value.texts(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// scalar reads a value as a rule would hold it.
func (v value) scalar() (sigma.Value, error) {
	if v.node.Kind != yaml.ScalarNode {
		return sigma.Value{}, v.errorf("a single value is wanted here")
	}
	switch v.node.Tag {
	case "!!null":
		return sigma.Value{Kind: sigma.NullValue}, nil
	case "!!bool":
		return sigma.Value{Kind: sigma.BoolValue, Text: strings.ToLower(v.node.Value)}, nil
	case "!!int", "!!float":
		return sigma.Value{Kind: sigma.NumberValue, Text: v.node.Value}, nil
	}
	return sigma.Value{Text: v.node.Value}, nil
}

func (v value) scalars() ([]sigma.Value, error) {
	list := []value{v}
	if v.node.Kind != yaml.ScalarNode {
		var err error
		if list, err = v.sequence(); err != nil {
			return nil, err
		}
	}
	out := make([]sigma.Value, 0, len(list))
	for _, one := range list {
		s, err := one.scalar()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// mapping reads the entries of a map by name. The first error stays, and
// finish reports what nobody asked for.
type mapping struct {
	at      value
	what    string
	entries []entry
	taken   []string
	err     error
}

func (v value) mapping() (*mapping, error) {
	entries, err := v.entries()
	return &mapping{at: v, entries: entries}, err
}

func (m *mapping) fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

func (m *mapping) take(key string) (value, bool) {
	m.taken = append(m.taken, key)
	for _, e := range m.entries {
		if e.key == key && !e.null {
			return e.value, true
		}
	}
	return m.at, false
}

func (m *mapping) ignore(keys ...string) { m.taken = append(m.taken, keys...) }

func (m *mapping) text(key string, to *string) {
	if v, ok := m.take(key); ok {
		s, err := v.text()
		m.fail(err)
		*to = s
	}
}

func (m *mapping) number(key string, to *int) {
	if v, ok := m.take(key); ok {
		n, err := strconv.Atoi(v.node.Value)
		if err != nil {
			m.fail(v.errorf("%s%s: a whole number is wanted, not %q", m.what, key, v.node.Value))
		}
		*to = n
	}
}

func (m *mapping) flag(key string, to *bool) {
	if v, ok := m.take(key); ok {
		if v.node.Tag != "!!bool" {
			m.fail(v.errorf("%s%s: true or false is wanted, not %q", m.what, key, v.node.Value))
			return
		}
		*to = strings.EqualFold(v.node.Value, "true")
	}
}

// choice reads a text that must be one of those allowed; the first is the
// default.
func (m *mapping) choice(key string, to *string, allowed ...string) {
	*to = allowed[0]
	v, ok := m.take(key)
	m.text(key, to)
	if ok && m.err == nil && !slices.Contains(allowed, *to) {
		m.fail(v.errorf("%s%s: one of %s is wanted, not %q", m.what, key, strings.Join(allowed, ", "), *to))
	}
}

// texts reads a required text or list of texts.
func (m *mapping) texts(key string) []string {
	v, ok := m.take(key)
	if !ok {
		m.fail(m.at.errorf("%s%s is missing", m.what, key))
		return nil
	}
	list, err := v.texts()
	m.fail(err)
	return list
}

// required reads a text that must be there.
func (m *mapping) required(key string) string {
	v, ok := m.take(key)
	if !ok {
		m.fail(m.at.errorf("%s%s is missing", m.what, key))
		return ""
	}
	s, err := v.text()
	m.fail(err)
	return s
}

func (m *mapping) finish() error {
	if m.err != nil {
		return m.err
	}
	for _, e := range m.entries {
		if e.null || !slices.Contains(m.taken, e.key) {
			return e.value.errorf("%sunknown key %q", m.what, e.key)
		}
	}
	return nil
}
