package io.github.greenroomdev;

import java.io.Serializable;

/**
 * One field of a request that breaks its rules.
 *
 * @param field path as in the proto, such as {@code config.temperature}
 * @param description which rule it breaks
 */
public record FieldViolation(String field, String description) implements Serializable {}
