/**
 * The client of the Greenroom API: the stubs of {@code io.github.greenroomdev.v1} on a connection that sets request ids,
 * types errors and repeats what is safe to repeat, and streams that outlive their connection. Begin with
 * {@link io.github.greenroomdev.GreenroomClient}.
 */
package io.github.greenroomdev;
