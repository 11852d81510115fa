package record

import (
	"sync"
	"sync/atomic"
)

// PathID stands for one dotted path, without array indexes. Ids are dense,
// start at 1, and mean the same to every Flattener that shares a Paths.
type PathID uint32

const (
	root     PathID = 0
	Overflow PathID = 1 // a path that the table has no room for, or whose text is too long
)

// DefaultPathLimit bounds a path table. Real sources have a few thousand.
const DefaultPathLimit = 1 << 16

// What one path may cost. A path beyond these is Overflow, so that hostile
// keys cost no memory that outlives their record.
const (
	maxKeyText  = 1 << 10 // bytes of one key
	maxPathText = 4 << 10 // bytes of one dotted path
	meanText    = 1 << 8  // bytes that all paths may have, times the table's limit
)

// Paths is the table of dotted paths. It only grows, up to its limit, and is
// safe for concurrent use.
type Paths struct {
	mu    sync.RWMutex
	limit int
	text  int // bytes of path text that there is still room for
	full  atomic.Bool
	ids   map[pathKey]PathID
	paths []pathEntry // by id
}

type pathKey struct {
	parent PathID
	key    string
}

type pathEntry struct {
	path  string
	key   string // the end of path
	names []string
}

// NewPaths returns a table that holds at most limit paths; 0 means
// DefaultPathLimit.
func NewPaths(limit int) *Paths {
	if limit <= 0 {
		limit = DefaultPathLimit
	}
	return &Paths{limit: limit, text: limit * meanText, ids: map[pathKey]PathID{}, paths: make([]pathEntry, 2)}
}

// Len returns one more than the largest id in use.
func (p *Paths) Len() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.paths)
}

// Path returns the dotted path of id, and "" for Overflow.
func (p *Paths) Path(id PathID) string { return p.entry(id).path }

// Names returns every name by which the field is reachable, its own dotted
// path first, and nothing for Overflow. The caller must not change the slice.
func (p *Paths) Names(id PathID) []string { return p.entry(id).names }

func (p *Paths) entry(id PathID) pathEntry {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.paths[id]
}

// Child returns the id of key beneath parent, making it if there is room, and
// Overflow otherwise.
func (p *Paths) Child(parent PathID, key string) PathID {
	if parent == Overflow || len(key) > maxKeyText {
		return Overflow
	}
	k := pathKey{parent, key}
	p.mu.RLock()
	id, ok := p.ids[k]
	p.mu.RUnlock()
	switch {
	case ok:
		return id
	case p.full.Load():
		return Overflow
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, ok := p.ids[k]; ok {
		return id
	}
	path := "" + key
	if parent != root {
		path = p.paths[parent].path + "." + key
	}
	if len(path) > maxPathText {
		return Overflow
	}
	if len(p.paths) >= p.limit || len(path) > p.text {
		p.full.Store(true)
		return Overflow
	}
	return p.add(parent, path, len(key))
}

func (p *Paths) add(parent PathID, path string, keyLen int) PathID {
	path = string([]byte(path)) // the caller's key may be part of a record
	key := path[len(path)-keyLen:]
	id := PathID(len(p.paths))
	p.text -= len(path)
	p.ids[pathKey{parent, key}] = id
	p.paths = append(p.paths, pathEntry{path, key, namesOf(path)})
	return id
}
