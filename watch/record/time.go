package record

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// timePaths says where each format writes when an event happened, best first:
// the event's own clock before that of whatever forwarded it, and times that
// name their zone before times that do not, which count as UTC.
var timePaths = [...][]string{
	FormatEVE:  {"timestamp", "@timestamp"},
	FormatZeek: {"ts", "_write_ts", "@timestamp", "timestamp"},
	FormatWindows: {
		"Event.System.TimeCreated.#attributes.SystemTime", "Event.System.TimeCreated.@SystemTime",
		"Event.System.TimeCreated_attributes.SystemTime", "Event.System.TimeCreated.@attributes.SystemTime",
		"Event.System.TimeCreated._attributes.SystemTime", "Event.System.TimeCreated.SystemTime",
		"Event.System.TimeCreated.-SystemTime", "Event.System.TimeCreated.$.SystemTime", "Event.System.TimeCreated",
		"System.TimeCreated.#attributes.SystemTime", "System.TimeCreated.SystemTime", "TimeCreated.SystemTime", "TimeCreated",
		"winlog.time_created", "data.win.system.systemTime", "win.system.systemTime",
		"UtcTime", "winlog.event_data.UtcTime", "event_data.UtcTime", "Event.EventData.UtcTime",
		"TimeGenerated", "event.created", "@timestamp", "timestamp", "EventTime", "EventReceivedTime", "time",
	},
	FormatAudit: {
		"msg", "ID", "timestamp", "auditd.timestamp", "@timestamp", "time", "ts",
		"EventTime", "__REALTIME_TIMESTAMP",
	},
	FormatCloudTrail: {
		"eventTime", "detail.eventTime", "time", "protoPayload.requestMetadata.requestAttributes.time", "timestamp",
		"requestReceivedTimestamp", "published", "CreationTime", "TimeGenerated", "createdDateTime", "activityDateTime", "@timestamp",
	},
	FormatJSON: usualTimes,
	FormatCSV:  usualTimes,
}

var usualTimes = []string{
	"timestamp", "Timestamp", "@timestamp", "time", "Time", "ts", "_time", "eventTime", "event_time", "EventTime",
	"TimeCreated", "TimeGenerated", "UtcTime", "datetime", "Datetime", "DateTime", "date_time", "date", "Date",
	"published", "createdDateTime", "CreationTime", "created_at", "requestReceivedTimestamp", "stageTimestamp",
	"event.created", "start_time", "StartTime", "_source.@timestamp", "time:timestamp", "log.timestamp",
}

// Time returns when the event happened, in UTC, as the record itself says, and
// whether it says so in a way that is understood: ISO 8601 (RFC 3339 with any
// separator, zone and fraction; no zone means UTC), seconds since 1970 and
// thousandths, millionths and billionths of them, an audit stamp, or the form
// of web servers' logs. Where a time is written twice, the event's own comes
// before the forwarder's.
func (r *Record) Time() (time.Time, bool) {
	var best time.Time
	rank := uint8(math.MaxUint8)
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Kind < Number {
			continue
		}
		if k := r.facts(f).time[r.Format]; k < rank {
			if t, ok := r.timeOf(f); ok {
				if best, rank = t, k; k == 0 {
					break
				}
			}
		}
	}
	return best, rank != math.MaxUint8
}

func (r *Record) timeOf(f *Field) (time.Time, bool) {
	var room [64]byte
	if f.End-f.Start > uint32(len(room)) {
		if f.Kind != Text || !bytes.HasPrefix(r.Raw[f.Start:f.End], []byte("audit(")) {
			return time.Time{}, false
		}
	}
	text, _ := r.Bytes(f, room[:0])
	return parseTime(text)
}

// The seconds since 1970 that are a time: 1973 to 9999. Earlier ones are how
// writers say that they know none, and small bare numbers are durations.
const (
	minEpoch = 100_000_000
	maxEpoch = 253_402_300_799
)

// parseTime reads the ways in which logs write a point in time.
func parseTime(s []byte) (time.Time, bool) {
	if len(s) >= 10 && (s[4] == '-' || s[4] == '/') {
		return parseISO(s)
	}
	if rest, ok := bytes.CutPrefix(s, []byte("audit(")); ok { // audit(1604996384.965:93777):
		return parseEpoch(rest[:max(0, bytes.IndexByte(rest, ':'))])
	}
	if rest, ok := bytes.CutPrefix(s, []byte("/Date(")); ok { // PowerShell's ConvertTo-Json
		return parseEpoch(rest[:max(0, bytes.IndexByte(rest, ')'))])
	}
	if t, ok := parseEpoch(s); ok {
		return t, true
	}
	if n := bytes.IndexByte(s, ':'); n > 0 && bytes.IndexByte(s, '.') > 0 { // 1604996384.965:93777, Laurel's ID
		if t, ok := parseEpoch(s[:n]); ok {
			return t, true
		}
	}
	for _, layout := range []string{"02/Jan/2006:15:04:05 -0700", time.RFC1123Z, time.RFC1123, time.ANSIC} {
		if t, err := time.Parse(layout, string(s)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseISO reads YYYY-MM-DD, then perhaps a time, a fraction and a zone.
func parseISO(s []byte) (time.Time, bool) {
	year, ok1 := digits(s, 0, 4)
	month, ok2 := digits(s, 5, 2)
	day, ok3 := digits(s, 8, 2)
	if !ok1 || !ok2 || !ok3 || s[7] != s[4] || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return time.Time{}, false
	}
	if len(s) == 10 {
		t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
		return t, t.Unix() >= minEpoch
	}
	if len(s) < 16 || s[10] != 'T' && s[10] != ' ' && s[10] != 't' || s[13] != ':' {
		return time.Time{}, false
	}
	hour, ok1 := digits(s, 11, 2)
	minute, ok2 := digits(s, 14, 2)
	if !ok1 || !ok2 || hour > 23 || minute > 59 {
		return time.Time{}, false
	}
	i, second, nano := 16, 0, 0
	if i < len(s) && s[i] == ':' {
		if second, ok1 = digits(s, 17, 2); !ok1 || second > 60 {
			return time.Time{}, false
		}
		i = 19
		if i < len(s) && (s[i] == '.' || s[i] == ',') {
			for i++; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			}
			nano = fraction(s[20:i])
		}
	}
	zone, ok := parseZone(s[i:])
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nano, time.UTC).Add(-zone)
	return t, t.Unix() >= minEpoch
}

// parseZone reads nothing, Z, UTC, GMT, ±hh, ±hhmm or ±hh:mm.
func parseZone(s []byte) (time.Duration, bool) {
	s = bytes.TrimLeft(s, " ")
	switch string(s) {
	case "", "Z", "z", "UTC", "GMT":
		return 0, true
	}
	hours, ok := digits(s, 1, 2)
	if !ok || hours > 23 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	minutes := 0
	if rest := bytes.TrimPrefix(s[3:], []byte(":")); len(rest) > 0 {
		if minutes, ok = digits(rest, 0, 2); !ok || minutes > 59 || len(rest) != 2 {
			return 0, false
		}
	}
	zone := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		zone = -zone
	}
	return zone, true
}

// parseEpoch reads seconds since 1970, or a finer unit when there are too many.
func parseEpoch(s []byte) (time.Time, bool) {
	if bytes.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(string(s), 64)
		if err != nil || f < minEpoch || f > maxEpoch {
			return time.Time{}, false
		}
		sec, rest := math.Modf(f)
		return time.Unix(int64(sec), int64(rest*1e6)*1000).UTC(), true
	}
	whole, frac, _ := bytes.Cut(s, []byte("."))
	n, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	for _, c := range frac {
		if c < '0' || c > '9' {
			return time.Time{}, false
		}
	}
	nano := int64(fraction(frac))
	for range 3 { // milliseconds, microseconds, nanoseconds
		if n >= 100_000_000_000 {
			nano = n%1000*1_000_000 + nano/1000
			n /= 1000
		}
	}
	if n < minEpoch || n > maxEpoch {
		return time.Time{}, false
	}
	return time.Unix(n, nano).UTC(), true
}

// digits reads n digits of s at i.
func digits(s []byte, i, n int) (int, bool) {
	if len(s) < i+n {
		return 0, false
	}
	v := 0
	for _, c := range s[i : i+n] {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

// fraction returns the nanoseconds that the digits behind a point stand for.
func fraction(s []byte) int {
	v := 0
	for i := range 9 {
		v *= 10
		if i < len(s) {
			v += int(s[i] - '0')
		}
	}
	return v
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
