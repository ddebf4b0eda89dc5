//go:build race

package audit_test

// stride is how many steps lie between two at which a process is killed. With the race detector a process takes so long to
// start that only some of them are.
const stride = 7
