package watch

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// hitID returns the identity of a finding: the hour of the event, then a hash
// of what was found (the rule's or indicator's id), by which sensor, in which
// record (its hash), and which of equal records of the same input it was.
// Reading the same input again gives the same ids.
func hitID(at time.Time, found, sensor string, event []byte, ordinal uint64) string {
	h := sha256.New()
	var n [8]byte
	for _, part := range [][]byte{[]byte(found), []byte(sensor), event} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	binary.BigEndian.PutUint64(n[:], ordinal)
	h.Write(n[:])
	hour := "0000000000" // no time
	if !at.IsZero() {
		hour = at.UTC().Format("2006010215")
	}
	return hour + "-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// maxOrdinals bounds how many records with hits are told apart from their
// equals. Beyond it counting begins again.
const maxOrdinals = 1 << 18

// ordinals counts equal records of one input.
type ordinals struct {
	seen map[[16]byte]uint64
	last *[sha256.Size]byte
	now  uint64
}

// of returns which of the records with this hash it is, from 0. Findings of
// one record share the pointer and so the number.
func (o *ordinals) of(hash *[sha256.Size]byte) uint64 {
	if hash == o.last {
		return o.now
	}
	if o.seen == nil || len(o.seen) >= maxOrdinals {
		o.seen = map[[16]byte]uint64{}
	}
	key := [16]byte(hash[:16])
	o.last, o.now = hash, o.seen[key]
	o.seen[key]++
	return o.now
}
