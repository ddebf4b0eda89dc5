//go:build !race

package audit_test

// stride is how many steps lie between two at which a process is killed.
const stride = 1
