package output

import (
	"fmt"
	"io"
	"time"
)

// Progress rewrites one line of a terminal while a scan runs. The nil
// *Progress, for everything that is not a terminal, shows nothing. It is for
// one goroutine.
type Progress struct {
	w     io.Writer
	width int
	now   func() time.Time
	start time.Time
	shown time.Time
	dirty bool // a line stands on the terminal
}

// progressInterval is how long a line stays before it is rewritten.
const progressInterval = 200 * time.Millisecond

// NewProgress returns a Progress that writes to a terminal so many columns
// wide, and whose time begins now.
func NewProgress(w io.Writer, width int, now func() time.Time) *Progress {
	return &Progress{w: w, width: max(width, 20), now: now, start: now()}
}

// Position is how far a scan is.
type Position struct {
	Read, Total int64 // bytes of the inputs as they are stored; Total 0: unknown
	Events      int64
	Hits        int64
}

// Show writes the line anew, unless it was written a moment ago. An error of a
// terminal is nothing that a scan should stop for.
func (p *Progress) Show(at Position) {
	if p == nil {
		return
	}
	now := p.now()
	if now.Sub(p.shown) < progressInterval {
		return
	}
	p.shown, p.dirty = now, true
	fmt.Fprintf(p.w, "\r\x1b[K%s", fit(progressLine(at, now.Sub(p.start)), p.width-1))
}

// Clear takes the line away, so that something else can be written.
func (p *Progress) Clear() {
	if p == nil || !p.dirty {
		return
	}
	p.dirty, p.shown = false, time.Time{}
	fmt.Fprint(p.w, "\r\x1b[K")
}

func progressLine(at Position, spent time.Duration) string {
	rate := 0.0
	if spent > 0 {
		rate = float64(at.Events) / spent.Seconds()
	}
	line := fmt.Sprintf("%s events, %s/s, %s hits", thousands(at.Events), thousands(int64(rate)), thousands(at.Hits))
	if at.Total <= 0 || at.Read <= 0 {
		return line
	}
	done := min(float64(at.Read)/float64(at.Total), 1)
	left := time.Duration(float64(spent) * (1 - done) / done).Round(time.Second)
	return fmt.Sprintf("%3.0f %%  %s, %s left", done*100, line, left)
}
