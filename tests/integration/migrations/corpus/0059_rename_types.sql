alter type "Severity" rename to severity;
alter type severity rename value 'low' to 'lowest';
alter domain email_address rename to email;
alter table shop.products rename to goods;
