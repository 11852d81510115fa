package record

import "strings"

// writer is how the records of one format are known: by every one of the paths
// all, and by one of the paths any (unless that is empty). A path that ends in
// a dot stands for all that begin with it.
type writer struct {
	format   Format
	all, any []string
}

// writers are tried in this order.
var writers = []writer{
	{FormatEVE, []string{"event_type"}, []string{"timestamp", "flow_id", "src_ip", "pcap_cnt"}},
	{FormatZeek, []string{"_path"}, []string{"ts", "_write_ts"}},
	{FormatZeek, []string{"@stream"}, []string{"ts", "_write_ts", "@timestamp"}},
	{FormatZeek, []string{"ts"}, []string{"uid", "id.orig_h", "id_orig_h"}},
	{FormatWindows, nil, []string{"Event.System.", "Event.EventData.", "winlog.", "data.win.", "win.system."}},
	{FormatWindows, []string{"EventID"}, []string{"Channel", "SourceName", "Computer", "Hostname", "ComputerName", "ProviderName",
		"Provider_Name", "Provider.", "LogName", "EventData."}},
	{FormatWindows, []string{"event_id"}, []string{"event_data.", "computer_name"}},
	{FormatWindows, []string{"System.EventID"}, nil},
	{FormatWindows, []string{"System.EventID.#text"}, nil},
	{FormatWindows, []string{"ProviderName", "LogName", "Id"}, nil}, // PowerShell's Get-WinEvent
	{FormatCloudTrail, []string{"eventSource", "eventName"}, []string{"eventVersion", "eventTime"}},
	{FormatCloudTrail, []string{"detail.eventSource", "detail.eventName"}, nil},
	{FormatCloudTrail, nil, []string{"protoPayload."}},
	{FormatCloudTrail, []string{"operationName"}, []string{"resourceId", "tenantId", "activityDateTime"}},
	{FormatCloudTrail, []string{"Operation", "Workload", "CreationTime"}, nil},
	{FormatCloudTrail, []string{"auditID", "verb"}, nil},
	{FormatAudit, nil, []string{"auditd.", "__REALTIME_TIMESTAMP", "_AUDIT_TYPE", "SYSCALL.", "EXECVE.", "PROCTITLE."}},
}

// formatOf recognises the writer of one JSON record by the names of its
// fields.
func formatOf(r *Record) Format {
	seen := map[string]bool{}
	for i := range r.Fields {
		f := &r.Fields[i]
		path := r.paths.Path(f.Path)
		seen[path] = true
		for i := range len(path) {
			if path[i] == '.' {
				seen[path[:i+1]] = true
			}
		}
		if path == "msg" && strings.HasPrefix(string(r.Raw[f.Start:f.End]), "audit(") {
			return FormatAudit
		}
	}
	for _, w := range writers {
		if w.fits(seen) {
			return w.format
		}
	}
	return FormatJSON
}

func (w *writer) fits(seen map[string]bool) bool {
	for _, path := range w.all {
		if !seen[path] {
			return false
		}
	}
	for _, path := range w.any {
		if seen[path] {
			return true
		}
	}
	return len(w.any) == 0
}
