package cli

import (
	"errors"
	"io"
	"os"

	"golang.org/x/term"

	"borj.dev/borj/watch/output"
)

// outputs are what a scan writes. All are opened before it starts, so that one
// that cannot be written is told at once.
type outputs struct {
	hits, aside, stats *output.File // aside and stats are nil where nobody asked for them
	writer             output.Writer
	rejects            *output.Rejects
}

func (o *outputs) open(c *scanCmd, to *console) (err error) {
	defer func() {
		if err != nil {
			o.hits.Discard()
			o.aside.Discard()
			o.stats.Discard()
		}
	}()
	if c.Stats != "" {
		if o.stats, err = output.CreateWhole(c.Stats, to.stdout); err != nil {
			return err
		}
	}
	if o.hits, err = output.Create(c.Output, to.stdout); err != nil {
		return err
	}
	if c.Rejects != "" {
		if o.aside, err = output.Create(c.Rejects, to.stdout); err != nil {
			return err
		}
	}
	var rejects io.Writer
	if o.aside != nil {
		rejects = o.aside
	}
	o.rejects = output.NewRejects(rejects)
	if err = o.format(c, to); err != nil {
		return usageError{err}
	}
	return nil
}

// format chooses how hits are written.
func (o *outputs) format(c *scanCmd, to *console) (err error) {
	shown, width := terminal(to.stdout)
	if c.Output != "-" {
		shown, width = false, 0
	}
	format := c.OutputFormat
	if format == "" {
		format = "jsonl"
		if shown {
			format = "table"
		}
	}
	o.writer, err = output.New(format, o.hits, output.Options{
		Width: width, Colour: shown && os.Getenv("NO_COLOR") == "", Version: release,
	})
	return err
}

// flush lets those who follow the outputs see what was found so far. An error
// is kept by its file, and told by the next call.
func (o *outputs) flush() {
	_ = o.hits.Flush()
	_ = o.aside.Flush()
}

// closeHits ends the hits and the records set aside, also those of a run that
// failed: SARIF without its end is none.
func (o *outputs) closeHits() error {
	err := o.writer.Close()
	if closed := o.hits.Close(); err == nil {
		err = closed // else it is the same
	}
	return errors.Join(err, o.aside.Close())
}

// closeStats writes the figures of the run.
func (o *outputs) closeStats(t *output.Tally, r *output.Run) error {
	if o.stats == nil {
		return nil
	}
	if err := output.WriteStats(o.stats, t, r); err != nil {
		o.stats.Discard()
		return err
	}
	return o.stats.Close()
}

// terminal tells whether a stream is a terminal, and how wide it is.
func terminal(stream any) (is bool, width int) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 { // a serial line, a recorded session
		return true, 80
	}
	return true, width
}
