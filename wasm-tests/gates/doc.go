// Package gates holds no code: its tests hold the gates against what the built-in plugins derive.
package gates
