package record

import (
	"slices"
	"strings"
)

// This file says by which names, besides its own path, a field is reachable.
// Rules and indicators were written against the names that Windows, Zeek and
// auditd give their fields; forwarders and converters put those beneath other
// objects or spell them otherwise. The names depend on the path alone.

// containers are the places beneath which writers put the fields that rules
// name without them. A "*" stands for one key, whatever it is.
var containers = [][]string{
	{"Event", "EventData"}, {"Event", "System"}, {"Event", "UserData", "*"}, {"Event", "RenderingInfo"}, // EVTX converters
	{"EventData"}, {"System"}, {"UserData", "*"},
	{"winlog", "event_data"}, {"winlog", "user_data"}, {"winlog"}, // Winlogbeat 7 and later
	{"event_data"}, {"user_data"}, // Winlogbeat before 7
	{"auditd", "data"},                                                                    // Auditbeat
	{"SYSCALL"}, {"EXECVE"}, {"CWD"}, {"PATH"}, {"PROCTITLE"}, {"SOCKADDR"}, {"USER_CMD"}, // Laurel
	{"detail"}, // CloudTrail through EventBridge
}

// wazuh holds the containers of Wazuh, which also writes the first letter of
// every Windows field in lower case.
var wazuh = [][]string{
	{"data", "win", "eventdata"}, {"data", "win", "system"},
	{"win", "eventdata"}, {"win", "system"},
}

// renamed gives the names that rules use for fields that some writers call
// otherwise. It is asked with the path after the container and the marks of
// attributes were taken off.
var renamed = map[string][]string{
	// The head of a Windows event, as the event itself has it …
	"Provider.Name":          {"Provider_Name", "ProviderName", "SourceName"},
	"TimeCreated.SystemTime": {"TimeCreated"},
	"Execution.ProcessID":    {"ExecutionProcessID"},
	"Execution.ThreadID":     {"ThreadID"},
	"Security.UserID":        {"UserID"},
	"EventID.Value":          {"EventID"}, // Velociraptor
	// … as NXLog and Log Analytics do …
	"SourceName":       {"Provider_Name"},
	"ProviderName":     {"Provider_Name"},
	"EventSourceName":  {"Provider_Name"},
	"Hostname":         {"Computer"},
	"EventTypeOrignal": {"EventType"}, // NXLog's spelling, where its own EventType is in the way
	// … as Winlogbeat does, and Elastic's names …
	"event_id":       {"EventID"},
	"event.code":     {"EventID"},
	"channel":        {"Channel"},
	"log_name":       {"Channel"},
	"computer_name":  {"Computer"},
	"provider_name":  {"Provider_Name"},
	"source_name":    {"Provider_Name"},
	"event.provider": {"Provider_Name"},
	"record_id":      {"EventRecordID"},
	// … and as Splunk does.
	"EventCode": {"EventID"},
	"LogName":   {"Channel"},

	// HELK and OSSEM.
	"process_path":                 {"Image"},
	"process_command_line":         {"CommandLine"},
	"process_parent_path":          {"ParentImage"},
	"process_parent_command_line":  {"ParentCommandLine"},
	"process_current_directory":    {"CurrentDirectory"},
	"process_integrity_level":      {"IntegrityLevel"},
	"process_granted_access":       {"GrantedAccess"},
	"process_call_trace":           {"CallTrace"},
	"target_process_path":          {"TargetImage"},
	"file_name_original":           {"OriginalFileName"},
	"file_description":             {"Description"},
	"file_product":                 {"Product"},
	"file_company":                 {"Company"},
	"file_version":                 {"FileVersion"},
	"module_loaded":                {"ImageLoaded"},
	"driver_loaded":                {"ImageLoaded"},
	"registry_key_path":            {"TargetObject"},
	"registry_key_value":           {"Details"},
	"registry_key_new_name":        {"NewName"},
	"pipe_name":                    {"PipeName"},
	"service_image_path":           {"ServiceFileName"},
	"service_name":                 {"ServiceName"},
	"share_name":                   {"ShareName"},
	"share_relative_target_name":   {"RelativeTargetName"},
	"object_access_mask_requested": {"AccessMask"},
	"ticket_encryption_type":       {"TicketEncryptionType"},
	"logon_authentication_package": {"AuthenticationPackageName"},
	"logon_process_name":           {"LogonProcessName"},
	"logon_type":                   {"LogonType"},
	"dst_host_name":                {"DestinationHostname"},
	"src_host_name":                {"SourceHostname"},
	"hash_imphash":                 {"Imphash"},

	// Zeek's two namings of a log and of its sensor.
	"@stream":      {"_path"},
	"_path":        {"@stream"},
	"@system":      {"_system_name"},
	"_system_name": {"@system"},
}

// zeekRecords are the records inside Zeek's logs. Zeek joins their fields with
// a dot, and with an underscore where a store does not allow dots.
var zeekRecords = []string{"id", "certificate", "basic_constraints", "san", "remote_location"}

// Marks by which converters from XML tell attributes and text apart.
var (
	attributeKeys     = []string{"#attributes", "@attributes", "_attributes", "$"}
	attributeSuffix   = "_attributes"      // evtx_dump --separate-json-attributes
	attributePrefixes = []string{"@", "-"} // xmltodict, mxj
	textKeys          = []string{"#text", "_text", "$t", "_"}
)

// namesOf returns the names by which the field at path is reachable, path
// itself first.
func namesOf(path string) []string {
	names := []string{path}
	add := func(n string) {
		if n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	keys := strings.Split(path, ".")
	short, contained := path, false
	if rest, ok := cutContainer(keys, containers); ok {
		short, contained = strings.Join(rest, "."), true
		add(short)
		short = strings.Join(withoutMarks(rest), ".")
	} else if rest, ok := cutContainer(keys, wazuh); ok {
		short, contained = strings.Join(rest, "."), true
		add(short)
		short = strings.ToUpper(short[:min(1, len(short))]) + short[min(1, len(short)):]
	}
	add(short)
	if contained {
		add(strings.ReplaceAll(short, ".", "_"))
	}
	for _, n := range renamed[short] {
		add(n)
	}
	if strings.ContainsRune(short, ' ') {
		add(strings.ReplaceAll(short, " ", ""))
	}
	for _, rec := range zeekRecords {
		if rest, ok := strings.CutPrefix(path, rec+"."); ok {
			add(rec + "_" + rest)
		} else if rest, ok := strings.CutPrefix(path, rec+"_"); ok {
			add(rec + "." + rest)
		}
	}
	return names
}

// cutContainer takes the first container off that keys begin with, and leaves
// at least one key.
func cutContainer(keys []string, from [][]string) ([]string, bool) {
	for _, c := range from {
		if len(keys) <= len(c) {
			continue
		}
		if slices.EqualFunc(c, keys[:len(c)], func(want, got string) bool { return want == "*" || want == got }) {
			return keys[len(c):], true
		}
	}
	return keys, false
}

// withoutMarks turns Provider.#attributes.Name, Provider_attributes.Name and
// Provider.@Name into Provider.Name, and EventID.#text into EventID.
func withoutMarks(keys []string) []string {
	out := make([]string, 0, len(keys))
	for i, k := range keys {
		last := i == len(keys)-1
		switch {
		case !last && slices.Contains(attributeKeys, k):
			continue
		case last && i > 0 && slices.Contains(textKeys, k):
			continue
		case !last:
			k = strings.TrimSuffix(k, attributeSuffix)
		case i > 0:
			for _, p := range attributePrefixes {
				k = strings.TrimPrefix(k, p)
			}
		}
		out = append(out, k)
	}
	return out
}
