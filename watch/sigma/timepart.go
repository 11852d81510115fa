package sigma

import (
	"time"
)

// timeLayouts are the ways in which sources write a time, most frequent first.
// Those without a zone are read as UTC.
var timeLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999Z0700", // Suricata: +0000
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999 Z0700",
	"2006-01-02T15:04Z07:00",
	"2006-01-02 15:04",
	"2006-01-02",
	"2006/01/02 15:04:05.999999999",
	"01/02/2006 15:04:05",
	"02/Jan/2006:15:04:05 -0700", // web servers
	time.RFC1123,
	time.RFC1123Z,
	time.RFC850,
	time.ANSIC,
	time.UnixDate,
}

// ParseTime reads a value that is a time: RFC 3339, "2006-01-02 15:04:05" and
// their like, or seconds, milliseconds, microseconds or nanoseconds since
// 1970, told apart by size. Plain numbers below 1e8 are no times.
func ParseTime(value []byte) (time.Time, bool) {
	if len(value) < 8 || len(value) > 64 {
		return time.Time{}, false
	}
	if x, ok := ParseNumber(value); ok {
		switch {
		case x < 1e8:
			return time.Time{}, false
		case x < 1e11:
			return time.Unix(0, int64(x*1e9)).UTC(), x < 9e9
		case x < 1e14:
			return time.UnixMilli(int64(x)).UTC(), true
		case x < 1e17:
			return time.UnixMicro(int64(x)).UTC(), true
		case x < 9e18:
			return time.Unix(0, int64(x)).UTC(), true
		}
		return time.Time{}, false
	}
	s := string(value)
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// Of returns the part of the time that value is, in UTC, and whether it is one.
func (p TimePart) Of(value []byte) (float64, bool) {
	t, ok := ParseTime(value)
	if !ok {
		return 0, false
	}
	switch p {
	case Minute:
		return float64(t.Minute()), true
	case Hour:
		return float64(t.Hour()), true
	case Day:
		return float64(t.Day()), true
	case Week:
		_, week := t.ISOWeek()
		return float64(week), true
	case Month:
		return float64(t.Month()), true
	case Year:
		return float64(t.Year()), true
	}
	return 0, false
}
