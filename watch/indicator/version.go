package indicator

import (
	"hash/maphash"
	"math"
	"time"
)

// maxVersions bounds the ids whose newest version is remembered.
const maxVersions = 4_000_000

// versions knows of each id that comes in versions which is the newest. Ids are
// known by a hash of 64 bits with a secret seed: nobody can make two be taken
// for each other.
type versions struct {
	seed   maphash.Seed
	newest map[uint64]version
	runs   []versionRun
}

type version struct {
	modified int64 // the newest that was added
	revoked  int64 // the newest that was revoked; none is math.MinInt64
}

// versionRun is one entry of Builder.ids that has a version.
type versionRun struct {
	id       uint32 // as in owner
	added    uint32 // indicators
	modified int64
}

// note remembers a version of an id. It returns false where there is no room.
func (v *versions) note(id string, modified time.Time, revoked bool) bool {
	if v.newest == nil {
		v.seed, v.newest = maphash.MakeSeed(), map[uint64]version{}
	}
	h := maphash.String(v.seed, id)
	known, ok := v.newest[h]
	if !ok {
		if len(v.newest) >= maxVersions {
			return false
		}
		known = version{math.MinInt64, math.MinInt64}
	}
	at := modified.UnixMicro()
	known.modified = max(known.modified, at)
	if revoked {
		known.revoked = max(known.revoked, at)
	}
	v.newest[h] = known
	return true
}

// continues tells whether the version is that of the last run, whose id is id.
func (v *versions) continues(id uint32, modified time.Time) bool {
	n := len(v.runs)
	versioned := n > 0 && v.runs[n-1].id == id
	if modified.IsZero() {
		return !versioned
	}
	return versioned && v.runs[n-1].modified == modified.UnixMicro()
}

// add counts an indicator of a version.
func (v *versions) add(id uint32, modified time.Time) {
	if n := len(v.runs); n == 0 || v.runs[n-1].id != id {
		v.runs = append(v.runs, versionRun{id: id, modified: modified.UnixMicro()})
	}
	v.runs[len(v.runs)-1].added++
}

// superseded returns the ids, as in owner, of older and of revoked versions,
// and how many indicators have them.
func (v *versions) superseded(ids *texts) (dead map[uint32]bool, n int) {
	dead = map[uint32]bool{}
	for _, r := range v.runs {
		known, ok := v.newest[maphash.String(v.seed, ids.at(r.id-1))]
		if ok && (r.modified < known.modified || r.modified <= known.revoked) {
			dead[r.id] = true
			n += int(r.added)
		}
	}
	return dead, n
}
