package record

import (
	"slices"
	"strings"
	"sync"
)

// PathID stands for one dotted path, without array indexes. Ids are dense,
// start at 1, and mean the same to every Flattener that shares a Paths.
type PathID uint32

const (
	root     PathID = 0
	Overflow PathID = 1 // a path met after the table was full
)

// DefaultPathLimit bounds a path table. Real sources have a few thousand.
const DefaultPathLimit = 1 << 16

// Paths is the table of dotted paths. It only grows, up to its limit, and is
// safe for concurrent use.
type Paths struct {
	mu    sync.RWMutex
	limit int
	ids   map[pathKey]PathID
	paths []pathEntry // by id
}

type pathKey struct {
	parent PathID
	key    string
}

type pathEntry struct {
	path  string
	names []string
}

// NewPaths returns a table that holds at most limit paths; 0 means
// DefaultPathLimit.
func NewPaths(limit int) *Paths {
	if limit <= 0 {
		limit = DefaultPathLimit
	}
	return &Paths{limit: limit, ids: map[pathKey]PathID{}, paths: make([]pathEntry, 2)}
}

// Len returns one more than the largest id in use.
func (p *Paths) Len() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.paths)
}

// Path returns the dotted path of id, and "" for Overflow.
func (p *Paths) Path(id PathID) string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.paths[id].path
}

// Names returns every name by which the field is reachable, its own dotted
// path first. The caller must not change the slice.
func (p *Paths) Names(id PathID) []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.paths[id].names
}

// Child returns the id of key beneath parent, making it if there is room.
func (p *Paths) Child(parent PathID, key string) PathID {
	if parent == Overflow {
		return Overflow
	}
	k := pathKey{parent, key}
	p.mu.RLock()
	id, ok := p.ids[k]
	p.mu.RUnlock()
	if ok {
		return id
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, ok := p.ids[k]; ok {
		return id
	}
	if len(p.paths) >= p.limit {
		return Overflow
	}
	key = strings.Clone(key)
	path := key
	if parent != root {
		path = p.paths[parent].path + "." + key
	}
	id = PathID(len(p.paths))
	p.ids[pathKey{parent, key}] = id
	p.paths = append(p.paths, pathEntry{path, namesOf(path)})
	return id
}

// stripIndexes turns dns.query[0].rrname into dns.query.rrname.
func stripIndexes(path string) string {
	for {
		i := strings.IndexByte(path, '[')
		if i < 0 {
			return path
		}
		j := strings.IndexByte(path[i:], ']')
		if j < 0 {
			return path
		}
		path = path[:i] + path[i+j+1:]
	}
}

// containers are the places beneath which sources put the fields that rules
// name without them, longest first where one begins another.
var containers = []string{
	"Event.EventData.", "Event.System.", "winlog.event_data.", "winlog.user_data.", "winlog.",
	"event_data.", "EventData.", "System.", "data.win.eventdata.", "data.win.system.",
}

// renamed gives the name that rules use for fields that some writers call
// otherwise, after the container was taken off.
var renamed = map[string][]string{
	"Provider.#attributes.Name":          {"Provider_Name", "ProviderName", "SourceName"},
	"Provider.Name":                      {"Provider_Name"},
	"provider_name":                      {"Provider_Name"},
	"SourceName":                         {"Provider_Name"},
	"EventID.#text":                      {"EventID"},
	"event_id":                           {"EventID"},
	"channel":                            {"Channel"},
	"computer_name":                      {"Computer"},
	"Hostname":                           {"Computer"},
	"TimeCreated.#attributes.SystemTime": {"TimeCreated"},
	"Execution.#attributes.ProcessID":    {"ExecutionProcessID"},
	"Security.#attributes.UserID":        {"UserID"},
	"@stream":                            {"_path"},
}

// namesOf returns the names by which the field at path is reachable. What it
// returns depends on the path alone.
func namesOf(path string) []string {
	names := []string{path}
	add := func(n string) {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	short := path
	for _, c := range containers {
		if strings.HasPrefix(path, c) {
			short = path[len(c):]
			add(short)
			break
		}
	}
	if rest, ok := strings.CutPrefix(path, "Event.UserData."); ok {
		if _, name, ok := strings.Cut(rest, "."); ok {
			short = name
			add(short)
		}
	}
	for _, n := range renamed[short] {
		add(n)
	}
	if strings.ContainsRune(short, ' ') {
		add(strings.ReplaceAll(short, " ", ""))
	}
	// Zeek writes id.orig_h, or id_orig_h where dots are not allowed.
	for _, n := range []string{"orig_h", "orig_p", "resp_h", "resp_p"} {
		switch path {
		case "id." + n:
			add("id_" + n)
		case "id_" + n:
			add("id." + n)
		}
	}
	return names
}
