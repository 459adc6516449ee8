// Package greenroom is the Go client of the Greenroom API: the stubs of greenroomv1 on a connection that sets request
// ids, types errors and repeats what is safe to repeat, and streams that outlive their connection.
package greenroom

// Version is the version of this module. The tag of a release is clients/go/v and this.
const Version = "0.1.0"
