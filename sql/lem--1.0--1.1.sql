/* sql/lem--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION lem UPDATE TO '1.1'" to load this file. \quit

-- Nothing here names a schema: the extension can be created in, and moved to, any schema.

-- Types and bars

-- Types and bars: end

-- Models: rights and catalog

-- Models: rights and catalog: end

-- Calendars

-- Calendars: end

-- Scheduling

-- Scheduling: end

-- The optimum

-- The optimum: end

-- Working orders

-- Working orders: end

-- Judging

-- Judging: end

-- Training

-- Training: end

-- Market making

-- Market making: end

-- Pictures

-- Pictures: end

-- Monitoring

-- Monitoring: end
