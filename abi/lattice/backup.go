package lattice

// Backup configures volume backups.
type Backup struct {
	// Schedule is a cron expression of five parts such as 0 3 * * *.
	//
	//kind:maxLength 256
	Schedule string `json:"schedule,omitempty"`
	// StoreRef names the backup store.
	//
	//kind:maxLength 253
	StoreRef string `json:"storeRef,omitempty"`
	// Retention says how many backups are kept.
	Retention *Retention `json:"retention,omitempty"`
	// Hooks run before and after a backup.
	Hooks *BackupHooks `json:"hooks,omitempty"`
	// Volumes selects what is backed up.
	Volumes *BackupVolumes `json:"volumes,omitempty"`
}

// Retention says how many backups are kept.
type Retention struct {
	// Daily is how many daily backups are kept.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	Daily *int64 `json:"daily,omitempty"`
	// Weekly is how many weekly backups are kept.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	Weekly *int64 `json:"weekly,omitempty"`
	// Monthly is how many monthly backups are kept.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	Monthly *int64 `json:"monthly,omitempty"`
	// TTL is a duration such as 720h.
	//
	//kind:maxLength 64
	TTL string `json:"ttl,omitempty"`
}

// BackupHooks run before and after a backup.
type BackupHooks struct {
	// Pre run before a backup.
	//
	//kind:maxItems 32
	Pre []BackupHook `json:"pre,omitempty"`
	// Post run after a backup.
	//
	//kind:maxItems 32
	Post []BackupHook `json:"post,omitempty"`
}

// BackupHook is one command.
type BackupHook struct {
	// Name is the name of the hook.
	//
	//kind:maxLength 63
	Name string `json:"name"`
	// Container is the container or sidecar in which the command runs.
	//
	//kind:maxLength 63
	Container string `json:"container"`
	// Command is the program, an absolute path, and its arguments.
	//
	//kind:minItems 1
	//kind:items.maxLength 131072
	Command []string `json:"command"`
	// Timeout is a duration such as 10m.
	//
	//kind:maxLength 64
	Timeout string `json:"timeout,omitempty"`
	// OnError is Continue or Fail.
	//
	//kind:enum Continue Fail
	OnError string `json:"onError,omitempty"`
}

// BackupVolumes selects volumes.
type BackupVolumes struct {
	// Include are volumes that are backed up.
	//
	//kind:maxItems 256
	//kind:items.maxLength 63
	Include []string `json:"include,omitempty"`
	// Exclude are volumes that are not backed up.
	//
	//kind:maxItems 256
	//kind:items.maxLength 63
	Exclude []string `json:"exclude,omitempty"`
	// DefaultPolicy is opt-out (default) or opt-in.
	//
	//kind:enum opt-out opt-in
	//kind:default "opt-out"
	DefaultPolicy string `json:"defaultPolicy,omitempty"`
}
