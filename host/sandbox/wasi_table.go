package sandbox

import "github.com/tetratelabs/wazero/api"

// wasiFunction is a function of WASI that answers with an error number.
type wasiFunction struct {
	name string
	// params has a letter for each parameter: i is an i32, I an i64.
	params string
	call   func(g *guest, m guestMemory, p []uint64) errno
}

func (f wasiFunction) hostFunction() hostFunction {
	return hostFunction{wasiModule, f.name, signature(f.params, "i"), onMemory(func(g *guest, m api.Memory, stack []uint64) {
		stack[0] = uint64(f.call(g, guestMemory{m}, stack))
	})}
}

// refuse returns a function that does nothing but answer.
func refuse(e errno) func(*guest, guestMemory, []uint64) errno {
	return func(*guest, guestMemory, []uint64) errno { return e }
}

// wasiFunctions returns the part of WASI that compilers put into modules on their own: everything
// that the packages syscall and runtime of Go import, and what Rust's standard library and
// AssemblyScript's WASI shim add. Functions on files exist because linking needs them, and refuse.
func wasiFunctions() []wasiFunction {
	succeed := refuse(errnoSuccess)
	noFile := refuse(errnoBadf)
	noPath := refuse(errnoNotcapable)
	return []wasiFunction{
		{"args_get", "ii", argsGet},
		{"args_sizes_get", "ii", argsSizesGet},
		{"environ_get", "ii", succeed},
		{"environ_sizes_get", "ii", environSizesGet},
		{"clock_res_get", "ii", clockResGet},
		{"clock_time_get", "iIi", clockTimeGet},
		{"random_get", "ii", randomGet},
		{"poll_oneoff", "iiii", pollOneoff},
		{"sched_yield", "", succeed},

		{"fd_close", "i", fdAccept},
		{"fd_fdstat_get", "ii", fdFdstatGet},
		{"fd_fdstat_set_flags", "ii", fdAccept},
		{"fd_filestat_get", "ii", fdFilestatGet},
		{"fd_read", "iiii", fdRead},
		{"fd_seek", "iIii", fdSeek},
		{"fd_sync", "i", fdAccept},
		{"fd_tell", "ii", fdSeek},
		{"fd_write", "iiii", fdWrite},

		{"fd_advise", "iIIi", noFile},
		{"fd_allocate", "iII", noFile},
		{"fd_datasync", "i", noFile},
		{"fd_fdstat_set_rights", "iII", noFile},
		{"fd_filestat_set_size", "iI", noFile},
		{"fd_filestat_set_times", "iIIi", noFile},
		{"fd_pread", "iiiIi", noFile},
		{"fd_prestat_dir_name", "iii", noFile},
		{"fd_prestat_get", "ii", noFile},
		{"fd_pwrite", "iiiIi", noFile},
		{"fd_readdir", "iiiIi", noFile},
		{"fd_renumber", "ii", noFile},

		{"path_create_directory", "iii", noPath},
		{"path_filestat_get", "iiiii", noPath},
		{"path_filestat_set_times", "iiiiIIi", noPath},
		{"path_link", "iiiiiii", noPath},
		{"path_open", "iiiiiIIii", noPath},
		{"path_readlink", "iiiiii", noPath},
		{"path_remove_directory", "iii", noPath},
		{"path_rename", "iiiiii", noPath},
		{"path_symlink", "iiiii", noPath},
		{"path_unlink_file", "iii", noPath},

		{"sock_accept", "iii", noFile},
		{"sock_shutdown", "ii", noFile},
	}
}
