/* sql/lem--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION lem" to load this file. \quit

-- Nothing here names a schema: the extension can be created in, and moved to, any schema.

-- Types

-- Models: catalog
-- Models: end

-- Bars

-- Scheduling
