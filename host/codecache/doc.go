// Package codecache keeps compiled modules in a folder, so that each is compiled once for all
// processes of a user.
//
// Entries are machine code that is executed without a signature. They are therefore kept only
// where no one but the user can write, and used only when they are, byte for byte, what was kept: a
// file that was cut short, edited, renamed or put there by something else is [ErrDamaged]. That
// guards against failing disks, interrupted writes and other programs. It cannot guard against the
// user: anyone who may write the file may also write its checksum, as well as replace the host.
//
// Any number of processes may use a folder at once, of several versions of the host: each finds
// only what fits it.
//
// Next to the machine code of a module there may be a skeleton: what its user needs of the module
// besides the code. It is kept in the same form.
package codecache
